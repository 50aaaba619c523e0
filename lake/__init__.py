"""Data at rest: table contracts, Delta tables, sources, landing, and the simulated community."""
