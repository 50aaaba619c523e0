"""The features, one module per family; each declares its features as data."""
