"""The command line, one module a group of commands; imports nothing heavy, so that `--help` is instant."""

from flows.cli.main import cli, main

__all__ = ["cli", "main"]
