"""Daily rollups and incremental totals in the lake, and the history that features are computed from."""
