"""Pure machine learning: churn, value, calibration, evaluation."""
