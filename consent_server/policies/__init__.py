"""Policies, versions, notices and typed changes."""
