"""The API for programs, ``/api/v1/``: the command room's actions and figures, with bearer tokens and without sessions."""

from __future__ import annotations

from bot.web.api.front import PREFIX, blueprint_of, failed

__all__ = ["PREFIX", "blueprint_of", "failed"]
