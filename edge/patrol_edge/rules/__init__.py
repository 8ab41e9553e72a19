"""Hazard rules, one file each, all with one signature (see `sighting.Rule`). Pure."""
