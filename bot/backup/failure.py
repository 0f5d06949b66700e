"""Why there is no backup, or nothing was restored."""

from __future__ import annotations


class BackupFailed(Exception):
    """What is wrong and what to do, in one line without anything personal."""
