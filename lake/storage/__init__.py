"""Delta tables in a folder or in a bucket: one atomic commit a write, versions, and the few things done to single files."""
