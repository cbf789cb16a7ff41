"""`python -m tieline` is the command line."""

from tieline.cli import main

main()
