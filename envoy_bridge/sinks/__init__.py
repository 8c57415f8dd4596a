"""Where snapshots go: MQTT and the terminal."""
