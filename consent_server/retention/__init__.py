"""Erasure and retention: blank what is personal in receipts, say so in the log, and keep it blank after a restore."""
