"""Commands of `patrol-edge` besides running a box; patrol_edge.cli lists them."""
