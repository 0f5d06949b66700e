"""Audiences as people read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

_EVERYBODY: Final = {"en": "everybody who may be sent to", "id": "semua yang boleh dikirimi"}

_MEMBERS: Final = {
    "en": {
        "districts": "in district {}",
        "provinces": "in province {}",
        "facilities": "at facility {}",
        "professions": "working as {}",
        "states": "who are {}",
        "silent_for_hours": "silent for {} hours after an invitation",
        "stopped_at": "who stopped at {}",
        "languages": "speaking {}",
        "phones": "with one of {} phone numbers",
        "nik_hashes": "on a list of {} NIKs",
    },
    "id": {
        "districts": "di kabupaten/kota {}",
        "provinces": "di provinsi {}",
        "facilities": "di fasilitas {}",
        "professions": "sebagai {}",
        "states": "yang {}",
        "silent_for_hours": "diam selama {} jam setelah undangan",
        "stopped_at": "yang berhenti di {}",
        "languages": "berbahasa {}",
        "phones": "dengan salah satu dari {} nomor telepon",
        "nik_hashes": "dalam daftar {} NIK",
    },
}
_CAMPAIGN: Final = {
    "en": 'to whom "{}" was {}',
    "id": 'yang pesan "{}" {}',
}
_AREA: Final = {
    "en": {"district": "within the district {}", "province": "within the province {}"},
    "id": {"district": "dalam kabupaten/kota {}", "province": "dalam provinsi {}"},
}
_VALUES: Final = {
    "en": {
        "not_invited": "not invited yet",
        "invited": "invited",
        "started": "started",
        "verified": "verified",
        "deferred": "deferred",
        "booked": "booked",
        "cancelled": "cancelled",
        "attended": "vaccinated",
        "no_show": "absent",
        "delivered": "delivered",
        "not_delivered": "not delivered",
        "unknown": "sent without word of its fate",
        "identify": "the birth date",
        "confirm": "the confirmation",
        "screening": "the screening",
        "offer": "the offered place",
        "id": "Indonesian",
        "en": "English",
    },
    "id": {
        "not_invited": "belum diundang",
        "invited": "diundang",
        "started": "sudah mulai",
        "verified": "terverifikasi",
        "deferred": "ditunda",
        "booked": "terdaftar",
        "cancelled": "batal",
        "attended": "sudah divaksin",
        "no_show": "tidak hadir",
        "delivered": "terkirim",
        "not_delivered": "tidak terkirim",
        "unknown": "belum jelas nasibnya",
        "identify": "tanggal lahir",
        "confirm": "konfirmasi",
        "screening": "skrining",
        "offer": "tawaran jadwal",
        "id": "Indonesia",
        "en": "Inggris",
    },
}
_OR: Final = {"en": " or ", "id": " atau "}
#: Lists of people are counted, not shown.
_COUNTED: Final = frozenset({"phones", "nik_hashes"})


def spoken(mapping: Mapping[str, Any], language: str) -> str:
    """A checked audience in ``en`` or ``id``: "in district 3171, who are not invited yet or invited"."""
    parts = []
    for member, value in mapping.items():
        if member == "campaign":
            parts.append(_CAMPAIGN[language].format(value["name"], _listed(value["outcome"], language)))
        elif member == "area":
            parts += [_AREA[language][kind].format(code) for kind, code in value.items()]
        elif member in _COUNTED:
            parts.append(_MEMBERS[language][member].format(len(value)))
        else:
            shown = _listed(value, language) if isinstance(value, list) else f"{value:g}"
            parts.append(_MEMBERS[language][member].format(shown))
    return ", ".join(parts) or _EVERYBODY[language]


def word(value: str, language: str) -> str:
    """A state, outcome, place or language as people read it."""
    return _VALUES[language].get(value, value)


def _listed(values: Sequence[str], language: str) -> str:
    words = [_VALUES[language].get(value, value) for value in values]
    return _OR[language].join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]
