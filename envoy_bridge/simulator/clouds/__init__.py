"""The clouds of four vendors, over real HTTP on loopback."""
