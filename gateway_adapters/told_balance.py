"""Reading a balance from what a provider tells."""

from __future__ import annotations

import re
from decimal import Decimal

from gateway_adapters.base import Balance

#: An amount, and the letters of a currency; thousands may be set apart by commas.
_AMOUNT = re.compile(r"-?[0-9]{1,12}(?:,[0-9]{3})*(?:\.[0-9]{1,6})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Za-z]{2,5}", re.ASCII)


def told_balance(amount: object, currency: object) -> Balance | None:
    """The balance of an amount, text or number, and a currency; None where it is none."""
    if not isinstance(amount, str | int | float) or isinstance(amount, bool) or not isinstance(currency, str):
        return None
    digits, letters = str(amount).strip(), currency.strip()
    if not _AMOUNT.fullmatch(digits) or not _CURRENCY.fullmatch(letters):
        return None
    return Balance(Decimal(digits.replace(",", "")), letters.upper())
