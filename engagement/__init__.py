"""Pure rules of the loop: actions, who may be contacted, holdouts, assignment, effects and experiments.

Touches no disk, clock or environment.
"""
