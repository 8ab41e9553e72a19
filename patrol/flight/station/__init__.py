"""The station: the program that owns drones, decides what they fly, and answers for it on the wire."""
