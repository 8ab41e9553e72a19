"""Recipes of networks that say, pixel by pixel, how much of something there is. As for detectors, only what trains needs torch."""
