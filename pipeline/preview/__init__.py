"""`evenfall preview`: try the mappings of sources on samples of their exports; nothing is written."""
