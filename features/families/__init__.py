"""Declarations of the features as data, one module per family."""
