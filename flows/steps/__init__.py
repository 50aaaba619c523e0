"""The steps of a night as plain functions over the lake, the settings and the core; the flows make tasks of them."""
