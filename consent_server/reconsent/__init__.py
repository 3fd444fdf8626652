"""Who must be asked again, and about what."""
