"""The tables, as SQLAlchemy sees them. Migrations make them; a test holds that both say the same.

Times are UTC (``timestamptz``); dates and hours of a vaccination session are also kept as the district reads them.
Constraints carry the invariants of ARCHITECTURE.md: what must be unique is UNIQUE, what must not be exceeded is CHECKed.
"""

from bot.db.schema import campaigns, hops, messages, office, personal, registry
from bot.db.schema.columns import metadata

__all__ = ["campaigns", "hops", "messages", "metadata", "office", "personal", "registry"]
