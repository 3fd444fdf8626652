"""What to do about a log that takes no receipts, by its state."""

ADVICE = {
    "forked": (
        "The database was put back to an earlier state: it lacks receipts whose tree was signed and anchored. "
        "Stop the server and restore the newest backup; if there is none, run `consent-server ledger recover`, "
        "which seals this log and opens the next one."
    ),
    "sealed": "The log is closed for good; a newer one of the same site takes its place.",
}
