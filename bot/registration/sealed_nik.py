"""Opening a NIK that may be gone: it is kept for its time only (``bot.privacy``)."""

from __future__ import annotations

from bot.crypto import Vault


def open_nik(vault: Vault, sealed: bytes) -> str:
    """The whole NIK, "" where it is not kept any more; raises ``bot.crypto.Undecipherable``."""
    return vault.open(bytes(sealed), "nik") if sealed else ""
