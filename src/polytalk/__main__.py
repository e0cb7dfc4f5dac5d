"""`python -m polytalk`."""

from polytalk.cli.main import main

main()
