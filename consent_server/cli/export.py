"""`export`."""
