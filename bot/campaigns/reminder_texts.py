"""What reminders say. No names: what a phone shows, others may read; a ticket, a place and a time do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

TOMORROW: Final[Mapping[str, str]] = {
    "id": "Vaksinasi Bapak/Ibu besok: {time}, {place}. Tiket {ticket}. Mohon bawa KTP.",
    "en": "Your vaccination is tomorrow: {time}, {place}. Ticket {ticket}. Please bring your ID card.",
}
SOON: Final[Mapping[str, str]] = {
    "id": "Vaksinasi Bapak/Ibu sebentar lagi: {time}, {place}. Tiket {ticket}. Mohon bawa KTP.",
    "en": "Your vaccination is soon: {time}, {place}. Ticket {ticket}. Please bring your ID card.",
}
CLOSING: Final[Mapping[str, str]] = {
    "id": "Pendaftaran vaksinasi ditutup {closes}. Bapak/Ibu belum punya jadwal: hubungi {ussd_code} "
    "atau SMS tanggal lahir (DDMMYYYY) ke {short_code}. Gratis.",
    "en": "Vaccination registration closes {closes}. You have no place yet: dial {ussd_code} "
    "or text your birth date (DDMMYYYY) to {short_code}. Free of charge.",
}
