"""The phone simulator: a feature phone in the browser, for developers and demonstrations (``SIMULATOR=1``)."""

from bot.web.simulator.pages import blueprint_of

__all__ = ["blueprint_of"]
