"""Importing one file: read it row by row into a staging table, judge the rows there, merge the good ones.

All of it is one transaction, so that whatever interrupts it leaves nothing half done.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

from psycopg import errors, sql

from bot.clock import Clock
from bot.crypto import Vault
from bot.db import audit
from bot.db.database import Database
from bot.registration.importing.districts import DistrictImporter
from bot.registration.importing.facilities import FacilityImporter
from bot.registration.importing.header import match_header
from bot.registration.importing.importer import REGISTRY_LOCK, Connection, Importer, Merged
from bot.registration.importing.opening import open_source
from bot.registration.importing.progress import Progress, Step, no_progress
from bot.registration.importing.reading import staged_rows
from bot.registration.importing.rejected_file import beside, rejected_file
from bot.registration.importing.report import Caution, ImportFailed, ImportReport, Kind, Tally
from bot.registration.importing.roster import RosterImporter
from bot.registration.importing.sessions import SessionImporter
from bot.registration.importing.source import EVERYTHING
from bot.registration.importing.staging import Staging
from bot.registration.importing.straight import STRAIGHT_FROM, Straight, straight_way
from bot.registration.importing.together import second_reader

_TRIES: Final = 3
_WORTH_NEW_STATISTICS: Final = 1000


def importer_of(kind: Kind, vault: Vault, now: datetime) -> Importer:
    """What imports files of ``kind``; ``now`` is the time by which their dates are judged."""
    match kind:
        case Kind.DISTRICTS:
            return DistrictImporter()
        case Kind.FACILITIES:
            return FacilityImporter()
        case Kind.ROSTER:
            return RosterImporter(vault, now.date())
        case Kind.SESSIONS:
            return SessionImporter(now.date())


def import_file(
    database: Database,
    vault: Vault,
    clock: Clock,
    kind: Kind,
    path: Path,
    *,
    dry_run: bool = False,
    rejected_path: Path | None = None,
    progress: Progress | None = None,
    actor: str = "cli",
) -> ImportReport:
    """Import the CSV or XLSX file at ``path`` and report what came of each of its rows.

    Rejected rows go to ``rejected_path`` (by default beside the file). ``dry_run`` does everything, the file of
    rejected rows included, and then leaves the database as it was. ``actor`` is who shall be named in the audit log.
    ``database`` must be one without a limit on its statements.

    Raises ``ImportFailed`` if the file cannot be imported at all, and ``DatabaseAway``; either way nothing was.
    """
    now = clock.now()
    importer = importer_of(kind, vault, now)
    tell = progress or no_progress
    try:
        with open_source(path, frozenset((*importer.required, *importer.optional))) as source:
            header = match_header(source.header, importer.required, importer.optional)
            quick = kind is Kind.ROSTER and source.cheap
            with (
                second_reader(path, worth_it=quick) as other,  # while it comes up, the rest gets ready
                rejected_file(rejected_path or beside(path), imported=path) as rejected,
                database.connection() as connection,
                connection.transaction(force_rollback=dry_run),
            ):
                staging = Staging(connection, importer)
                glances = importer.glance(header.columns, source.separator) is not None
                worth_it = quick and glances and path.stat().st_size >= STRAIGHT_FROM
                straight = straight_way(connection, now) if worth_it else None
                codes = None if straight is None else straight.codes
                if codes is not None:
                    importer.pack_straight(codes)
                if other is not None:
                    other.ask(database, vault, kind, now, codes)
                share = EVERYTHING if other is None else other.share
                staging.fill(staged_rows(source, header, importer, tell, share), other, straight)
                rows = settle(connection, importer, staging, header.present, now, tell, straight)
                if rows.rejected:
                    tell(Step.LISTING_REJECTED, None)
                    rejected.write(source, staging.rejected())
                audit.record(connection, now, actor, f"{kind}.import", path.name, rows.as_json())
                return ImportReport(
                    kind=kind,
                    file=path.name,
                    dry_run=dry_run,
                    rows=rows,
                    rejections=staging.rejections(),
                    cautions=(*_about_the_file(source.remarks, header.ignored), *staging.cautions()),
                    rejected_file=rejected.path if rows.rejected else None,
                )
    except ImportFailed as error:
        raise ImportFailed(f"{path.name}: {error}") from error


def settle(
    connection: Connection,
    importer: Importer,
    staging: Staging,
    present: frozenset[str],
    now: datetime,
    tell: Progress = no_progress,
    straight: Straight | None = None,
) -> Tally:
    """Judge the staged rows and merge the good ones, after any other import that is under way. ``straight``: the way that
    others went.

    Conversations lock rows of the registry too, in an order of their own. Should PostgreSQL break a deadlock at our
    cost, only this part is done again.
    """
    if connection.execute("SELECT pg_try_advisory_xact_lock(%s)", [REGISTRY_LOCK]).fetchone() != (True,):
        tell(Step.WAITING, None)
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [REGISTRY_LOCK])
    tell(Step.WRITING, None)
    tries = 0
    while True:
        tries += 1
        try:
            merged = _judge_and_merge(connection, importer, staging, present, now, straight)
            break
        except errors.DeadlockDetected:
            if tries == _TRIES:
                raise
    if merged.added + merged.updated >= _WORTH_NEW_STATISTICS:
        # The next hop should not be planned for an empty table.
        connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(importer.target)))
    return staging.tally(merged)


def _judge_and_merge(
    connection: Connection,
    importer: Importer,
    staging: Staging,
    present: frozenset[str],
    now: datetime,
    straight: Straight | None,
) -> Merged:
    with connection.transaction():
        if straight is None:
            return _merge(connection, importer, staging, present, now)
        doubles = straight.tell_doubles_apart()
        merged = Merged(0, 0)
        if staging.rows + doubles:
            merged = _merge(connection, importer, staging, present, now)
        straight.finish()
        return Merged(added=merged.added + staging.rows_straight - doubles, updated=merged.updated)


def _merge(
    connection: Connection, importer: Importer, staging: Staging, present: frozenset[str], now: datetime
) -> Merged:
    importer.check(connection)
    staging.reject_repeated()
    return importer.merge(connection, present, now)


def _about_the_file(remarks: tuple[str, ...], ignored: tuple[str, ...]) -> tuple[Caution, ...]:
    unknown = (f"columns that were ignored: {', '.join(ignored)}",) if ignored else ()
    return tuple(Caution(text) for text in (*remarks, *unknown))
