"""One door: the pages of a workspace under one address, behind one password; started by `evenfall up`."""
