"""The job table and its runner."""
