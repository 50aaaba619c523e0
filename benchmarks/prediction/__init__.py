"""How well Evenfall predicts on open communities, beside simple rules and untuned models."""
