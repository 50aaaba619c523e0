"""Pure policy: from scores to risk classes, tiers, lifecycle, behaviour groups and the contact list.

Touches no disk, clock or environment.
"""
