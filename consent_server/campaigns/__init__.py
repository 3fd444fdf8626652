"""Notices by mail: after a major version, known users whom it touches are written to, in both languages."""
