"""What the pages of `evenfall up` show: the last nights, lists filtered and paged, the members behind a figure."""
