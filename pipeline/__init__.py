"""The steps of a night as plain functions over the lake, the settings and the pure rooms; also erasure and verification.

`flows` wraps them in Prefect tasks; nothing here imports Prefect or MLflow.
"""
