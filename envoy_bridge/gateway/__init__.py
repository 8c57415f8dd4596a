"""The local gateway: finding it, logging in, asking it, and what its replies mean."""
