"""Executors and partitions: work that grows with the number of members, in this process or partition by partition."""
