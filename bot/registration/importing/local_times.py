"""Keeping the moments of vaccination sessions true to the local hours that they stand for."""

from __future__ import annotations

from bot.registration.importing.importer import Connection


def realign_sessions(connection: Connection) -> int:
    """Move the sessions whose moments no longer are their local hours, and return how many those were.

    Called when a district's time zone, or a facility's district, may have changed.
    """
    return connection.execute(
        """
        WITH aligned AS (
            SELECT v.id,
                (v.local_date + v.start_time) AT TIME ZONE d.time_zone AS starts_at,
                (v.local_date + v.end_time) AT TIME ZONE d.time_zone AS ends_at
            FROM vaccination_session v
            JOIN facility f ON f.id = v.facility_id
            JOIN district d ON d.code = f.district_code
        )
        UPDATE vaccination_session v SET starts_at = a.starts_at, ends_at = a.ends_at
        FROM aligned a WHERE a.id = v.id AND (v.starts_at, v.ends_at) IS DISTINCT FROM (a.starts_at, a.ends_at)
        """
    ).rowcount
