"""Tigo: optimizers, with a value for each panel."""
