"""Decisions, receipts, consent records, subjects."""
