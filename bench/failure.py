"""How a bench fails."""


class BenchFailed(Exception):
    """There is nothing to measure, or what was measured is wrong; the text says why, in a line."""
