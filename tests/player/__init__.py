"""The player of our own, and voice."""
