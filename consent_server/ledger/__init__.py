"""The one place through which every receipt is appended."""
