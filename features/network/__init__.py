"""Who responds to whom: ties, influence, cores and communities, as of a night."""
