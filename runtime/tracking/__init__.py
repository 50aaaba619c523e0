"""MLflow: the store, its addresses, the runs and the registry of models, and how they look to an analyst.

The only room that imports mlflow.
"""
