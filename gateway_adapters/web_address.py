"""Settings that hold the address of a provider's API."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from gateway_adapters.base import SettingMissing


def web_address(environ: Mapping[str, str], name: str) -> str | None:
    """The http(s) address in ``environ[name]`` without a slash at its end, None if unset; raises ``SettingMissing``."""
    address = environ.get(name, "").strip()
    if not address:
        return None
    try:
        parts = urlsplit(address)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or not address.isprintable() or " " in address or parts.query or parts.fragment:
        raise SettingMissing(f"{name} must be an address such as https://api.example.org")
    return address.rstrip("/")
