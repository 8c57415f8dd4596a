"""Readings that the broker did not get: kept, on disk if it lasts, and sent when it is back."""
