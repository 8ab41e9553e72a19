"""`python -m patrol` is `patrol`."""

from patrol.cli import main

main()
