"""`evenfall verify`: a past night computed again and compared with what was published."""
