"""What the clouds of four vendors tell, beside the local gateway. None of them can delay or blank it."""
