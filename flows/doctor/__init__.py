"""`evenfall doctor`: what a night needs, looked at one thing after another, before the night needs it."""
