"""Enlighten, of Enphase: one client, two versions of its API."""
