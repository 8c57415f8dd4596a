"""What `scripts/soak` runs for hours, and how it judges it."""
