"""The night and its neighbours as Prefect flows, the command line, the doctor, and Dask.

The only room that imports Prefect.
"""
