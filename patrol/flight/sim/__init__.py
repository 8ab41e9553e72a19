"""The simulated drone: it speaks MAVLink like the autopilots that were recorded, and flies by simple physics."""
