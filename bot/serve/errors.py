"""Why the service cannot start; the text is one plain line for the person at the terminal."""

from __future__ import annotations


class CannotServe(Exception):
    """The service cannot start; the text says why and what to do."""
