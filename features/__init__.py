"""Pure Polars: landed tables to one row per member, as of a night."""
