"""Temperatures: from files and streams of radiometric cameras to arrays of degrees Celsius."""
