"""The rooftop networks' data: real roof tiles with footprints, structures put onto them, and what weather and light change."""
