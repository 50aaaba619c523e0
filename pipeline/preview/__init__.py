"""`evenfall preview`: what the sources' mappings make of their exports, tried on a sample; nothing is written."""
