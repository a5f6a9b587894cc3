"""`python -m tlswire` is the command `tlswire`."""

from tlswire.cli import main

main()
