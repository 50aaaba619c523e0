"""Pure policy: scores to tiers, lifecycle and behaviour groups."""
