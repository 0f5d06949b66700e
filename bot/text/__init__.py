"""The text of SMS and USSD: the GSM-7 alphabet, segments, names that fit a screen, masks for personal data."""

from bot.text.gsm7 import NotGsm7, is_gsm7, septets, to_gsm7
from bot.text.masks import mask_name, mask_nik
from bot.text.segments import Encoding, Segments, segments
from bot.text.shorten import shorten

__all__ = [
    "Encoding",
    "NotGsm7",
    "Segments",
    "is_gsm7",
    "mask_name",
    "mask_nik",
    "segments",
    "septets",
    "shorten",
    "to_gsm7",
]
