"""Receipts in the forms in which others read them, and the log as a file."""
