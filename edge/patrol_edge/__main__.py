"""`python -m patrol_edge` is `patrol-edge`."""

from patrol_edge.cli import main

main()
