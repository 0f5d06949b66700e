"""How long personal data is kept, in days, as the environment sets it: ``KEEP_<NAME>_DAYS``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

#: A hundred years.
_MOST_DAYS = 36500


@dataclass(frozen=True, slots=True)
class KeptFor:
    """Days. ``identity`` and ``screening`` count from the end of registration, or from when it was written down if that was
    later; the others from when it was written down, enquiries from when they were settled.
    """

    message_bodies: int = 90
    inbound_texts: int = 30
    transcripts: int = 30
    identity: int = 180
    screening: int = 90
    enquiries: int = 90
    uploads: int = 7
    answers: int = 1
    sign_ins: int = 365


def kept_for(environ: Mapping[str, str], whole: Callable[[Mapping[str, str], str, int, int, int], int]) -> KeptFor:
    """The settings. ``whole``: reads a whole number by its name, default and bounds, and raises if it is none."""
    return KeptFor(
        **{
            field.name: whole(environ, f"KEEP_{field.name.upper()}_DAYS", field.default, 1, _MOST_DAYS)
            for field in fields(KeptFor)
            if isinstance(field.default, int)
        }
    )
