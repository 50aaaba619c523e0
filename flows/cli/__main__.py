"""`python -m flows.cli`, as the command `evenfall`."""

from flows.cli.main import main

main()
