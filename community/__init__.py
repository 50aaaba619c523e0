"""Pure rules of the community as a whole: leaders, content, answers, journey and recognition.

Touches no disk, clock or environment.
"""
