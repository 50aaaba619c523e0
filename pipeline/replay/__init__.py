"""`evenfall quarantine`: list, repair and replay quarantined rows, as if they had been valid from the beginning."""
