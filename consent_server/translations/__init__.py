"""Catalogs of the console and the public pages; `extract` collects what they must hold."""
