"""What somebody who was not on the list is told by SMS once their enquiry is settled. No names: others may read it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final


class Decline(enum.StrEnum):
    """Why an enquiry is declined."""

    LISTED = "listed"
    NOT_ENTITLED = "not_entitled"
    WRONG_DATA = "wrong_data"


#: What is known of the service: ``{ussd_code}``, ``{short_code}``.
APPROVED: Final[Mapping[str, str]] = {
    "id": "Bapak/Ibu kini ada di daftar vaksinasi. Pilih jadwal: hubungi {ussd_code} "
    "atau SMS tanggal lahir (DDMMYYYY) ke {short_code}. Gratis.",
    "en": "You are on the vaccination list now. Choose a place: dial {ussd_code} "
    "or text your birth date (DDMMYYYY) to {short_code}. Free of charge.",
}
DECLINED: Final[Mapping[Decline, Mapping[str, str]]] = {
    Decline.LISTED: {
        "id": "Bapak/Ibu sudah ada di daftar vaksinasi dengan nomor lain. "
        "Hubungi {ussd_code} dari nomor itu, atau tanyakan ke dinas kesehatan.",
        "en": "You are on the vaccination list already, with another number. "
        "Dial {ussd_code} from it, or ask your health office.",
    },
    Decline.NOT_ENTITLED: {
        "id": "Mohon maaf, Bapak/Ibu tidak termasuk dalam tahap vaksinasi ini. "
        "Keterangan lebih lanjut di dinas kesehatan setempat.",
        "en": "Sorry, you are not included in this stage of vaccination. Your health office can tell you more.",
    },
    Decline.WRONG_DATA: {
        "id": "Mohon maaf, data Bapak/Ibu tidak dapat dipastikan. Mohon datang ke dinas kesehatan setempat dengan KTP.",
        "en": "Sorry, your data could not be confirmed. Please come to your health office with your ID card.",
    },
}
