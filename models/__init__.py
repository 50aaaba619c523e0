"""Pure machine learning: churn, value, calibration, reasons, evaluation, and the gate between challenger and champion.

Touches no disk, clock, environment or MLflow.
"""
