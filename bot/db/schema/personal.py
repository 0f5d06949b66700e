"""How far walks through people's data have come: deleting what is kept no longer, sealing anew with another key."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text

from bot.db.schema.columns import metadata, moment

#: A walk through a table by its ids. ``up_to``: everything up to this id has been dealt with; ``done``: rows that were
#: changed, ever; ``told``: how many of those stand in the audit log.
data_walk = Table(
    "data_walk",
    metadata,
    Column("name", Text, primary_key=True),
    Column("up_to", BigInteger, nullable=False, server_default="0"),
    Column("done", BigInteger, nullable=False, server_default="0"),
    Column("told", BigInteger, nullable=False, server_default="0"),
    moment("at", null=False),
)
