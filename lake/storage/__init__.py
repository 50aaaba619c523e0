"""Delta tables in a folder or in a bucket: one atomic commit per write, past versions, and operations on single files."""
