"""Pure Polars: landed tables to one row per member, as of a night.

Touches no disk, clock or environment; of the lake it knows the contracts and errors.
"""
