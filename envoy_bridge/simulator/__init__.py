"""Gateways and their token service over real sockets, for tests, demos and anyone without panels."""
