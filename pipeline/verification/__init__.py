"""`evenfall verify`: compute a past night again and compare it with the published lists."""
