"""Counters that can be trusted: guarded lifetime counters, and the day counters made of them."""
