"""Growatt: plants with inverters and batteries of that make."""
