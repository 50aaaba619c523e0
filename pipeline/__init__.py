"""The steps of a night as plain functions over the lake, the settings and the core, with erasure and verification beside them.

Flows make Prefect tasks of them; nothing here imports Prefect or MLflow.
"""
