"""The network that compares two registered pictures of a roof: what was built between them, whatever the light and the weather."""
