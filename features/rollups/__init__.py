"""Landed tables to one row per member, day and activity: what every feature is computed from."""
