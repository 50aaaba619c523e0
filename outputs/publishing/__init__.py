"""Lists shown all at once or not at all: a folder, and a table in somebody's database."""
