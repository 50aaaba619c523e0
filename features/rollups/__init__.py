"""Rollups: landed tables to one row per member, day and activity, from which all features are computed."""
