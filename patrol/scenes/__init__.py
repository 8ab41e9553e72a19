"""A rendered district with ground truth: for the demo, the simulated drone, replay tests and training."""
