"""The command line, `consent-server`."""

import gc


def main() -> None:
    """Run the command line."""
    # The imports make some 300,000 objects that all stay: looking for garbage among them is a third of the start.
    gc.disable()
    from consent_server.cli.root import run

    gc.freeze()
    gc.enable()
    run()
