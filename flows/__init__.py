"""Orchestration: the night and its neighbours in Prefect, settings, tracking and the command line."""
