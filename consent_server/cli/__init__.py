"""The command line, `consent-server`."""

from consent_server.cli.main import main

__all__ = ["main"]
