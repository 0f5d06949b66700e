"""The command room at ``/admin/``: pages for those who run the campaign, rendered here, each for a role and an area."""

from bot.web.admin.room import blueprint_of

__all__ = ["blueprint_of"]
