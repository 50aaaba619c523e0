"""What every run stands on: settings, the workspace and its lock, the run context, its log, signals and alerts; MLflow.

Touches disk, clock and environment; knows nothing of the steps of a night, nor of Prefect.
"""
