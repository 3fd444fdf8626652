"""Work beside requests, without making them wait: a thread that computes keeps Python's lock for 5 ms at a time.

Whoever wants the lock meanwhile, such as the event loop for each of its small steps, waits as long as that each time.
"""

import time

BREATH = 0.00005  # seconds; the system makes it twice that


def give_way() -> None:
    """Let the other threads go first; call it about once a millisecond of computing."""
    time.sleep(BREATH)
