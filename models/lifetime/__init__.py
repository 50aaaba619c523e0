"""Buy-till-you-die: how often a buyer will buy, and for how much, from the history of purchases alone."""
