"""Flying: missions, the MAVLink link, the pilot, the station and the simulated drone."""
