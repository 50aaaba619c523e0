"""The community of a night: its network, content and answers read, and what follows from them for lists and report."""
