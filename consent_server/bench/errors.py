"""What stops a measurement; the text says what to do."""


class BenchProblem(Exception):
    """The bench cannot run, or what it measured cannot be believed."""
