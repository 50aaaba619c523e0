"""The executor that hands partitions of members to a Dask cluster through Prefect's task runner."""
