"""Daily rollups and incremental totals in the lake, and the history that features look at, without those who refused."""
