"""The command line, `consent-server`."""

import gc


def main() -> None:
    """Run the command line."""
    # What the imports make stays: looking for garbage among it, again and again, is a good part of the start.
    gc.disable()
    from consent_server.cli.root import run

    gc.freeze()
    gc.enable()
    run()
