"""Locus: sites with meters and inverters, for those who look after many."""
