"""What can go wrong with the embedded servers; each text is one plain line for the person at the terminal."""

from __future__ import annotations


class EmbeddedServerError(Exception):
    """An embedded server cannot be started or used; the text says why and what to do."""


class NoEmbeddedServer(EmbeddedServerError):
    """There is no embedded PostgreSQL or Valkey for this machine: real servers must be named instead."""


class FolderInUse(EmbeddedServerError):
    """Another service is running on this data folder."""
