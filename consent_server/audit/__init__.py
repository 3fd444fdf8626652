"""Who did what in the console, API and command line."""
