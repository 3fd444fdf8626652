"""Measurements: requests, latency, CPU per request."""
