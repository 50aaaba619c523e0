"""What every run shares: settings, the workspace and its lock, the night it is about, its log and its alerts."""
