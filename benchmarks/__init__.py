"""What a night costs, beside what a user would pick instead on the same work."""
