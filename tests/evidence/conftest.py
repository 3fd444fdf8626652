"""The console's fixtures, for the desk's pages."""

from tests.console.conftest import console, second, visitor

__all__ = ["console", "second", "visitor"]
