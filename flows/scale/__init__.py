"""Past one machine: the work that grows with the number of members, done by the bucket on a Dask cluster."""
