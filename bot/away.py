"""The one family of errors that say: a part of the service cannot be reached just now."""

from __future__ import annotations


class Away(Exception):
    """PostgreSQL or Redis cannot be reached or did not answer in time. What was asked of it may or may not be done."""
