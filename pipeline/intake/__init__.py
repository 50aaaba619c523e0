"""Intake: what sources offer tonight is read, mapped and validated, and lands only when all of it may."""
