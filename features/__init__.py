"""Features: landed tables to one row per member as of a night, in pure Polars.

Touches no disk, clock or environment; of the lake it uses only contracts and errors.
"""
