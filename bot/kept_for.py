"""How long personal data is kept, in days, as the environment sets it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

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

    def days(name: str, default: int) -> int:
        return whole(environ, name, default, 1, _MOST_DAYS)

    return KeptFor(
        message_bodies=days("KEEP_MESSAGE_BODIES_DAYS", 90),
        inbound_texts=days("KEEP_INBOUND_TEXTS_DAYS", 30),
        transcripts=days("KEEP_TRANSCRIPTS_DAYS", 30),
        identity=days("KEEP_IDENTITY_DAYS", 180),
        screening=days("KEEP_SCREENING_DAYS", 90),
        enquiries=days("KEEP_ENQUIRIES_DAYS", 90),
        uploads=days("KEEP_UPLOADS_DAYS", 7),
        answers=days("KEEP_ANSWERS_DAYS", 1),
        sign_ins=days("KEEP_SIGN_INS_DAYS", 365),
    )
