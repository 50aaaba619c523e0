"""What people receive: lists, the morning report, charts, database tables."""
