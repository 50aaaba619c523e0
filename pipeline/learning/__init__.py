"""Champions: train, compare, promote and roll back the models that score."""
