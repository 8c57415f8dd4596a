"""The real subscribers, started and asked what they made of us."""
