"""`evenfall sql`: questions in SQL to the lake, the lists, the scores and the features, read-only."""
