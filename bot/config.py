"""The settings of a process, read once from its environment.

A wrong or missing one raises ``SettingError`` whose text names the variable and says what it wants.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.crypto import BadKey, Vault
from bot.kept_for import KeptFor, kept_for
from bot.server_addresses import ServerAddresses, server_addresses
from bot.text import is_gsm7, septets

#: Septets of the smallest USSD screen that the conversations fit; a test walks them all at this limit.
SMALLEST_SCREEN = 140
#: Characters that a code to dial and septets that a number to call may have, so that the screens naming them fit.
LONGEST_USSD_CODE, LONGEST_CALL_CENTRE = 12, 15

#: What a web process serves: gateways alone, the command room and programs alone, or both.
_SERVES = ("all", "gateways", "office")
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class SettingError(ValueError):
    """A setting is missing or wrong; the text names it."""


@dataclass(frozen=True, slots=True)
class SendingWindow:
    """Local hours between which blasts and reminders may leave."""

    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the environment decides. ``environ`` keeps the rest for the gateways' own settings."""

    database_url: str
    database_read_url: str
    database_pooler: str
    redis_url: str
    queue_redis_url: str
    secret_key: str
    data_key: str
    public_url: str
    host: str
    port: int
    sms_gateway: str
    simulator: bool
    age_limits: tuple[int, int]
    time_zone: ZoneInfo
    registration_closes_at: datetime | None
    ussd_screen_septets: int
    ussd_code: str
    call_centre: str
    sending_window: SendingWindow
    campaign_approval_above: int
    short_code: str
    sms_price: Decimal | None
    sms_currency: str
    most_cost_a_day: Decimal | None
    webhook_deadline: float
    web_processes: int
    web_serves: str
    spool: Path
    spool_most: int
    admin_totp: bool
    api_requests_a_minute: int
    client_address_header: str
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    phone_turns: int
    kept_for: KeptFor
    clock_file: Path | None
    log_level: str
    environ: Mapping[str, str]


def _required(environ: Mapping[str, str], name: str, meaning: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise SettingError(f"{name} is not set: {meaning}")
    return value


def _is_on(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "").strip().lower() in {"1", "true", "yes", "on"}


@dataclass(frozen=True, slots=True)
class CallersOf:
    """From where a gateway's calls come, None for anywhere, and how many a second each process takes, 0 for any number."""

    networks: tuple[IPv4Network | IPv6Network, ...] | None
    calls_a_second: int


def callers_of(environ: Mapping[str, str], gateway: str) -> CallersOf:
    """``<GATEWAY>_ALLOW`` and ``<GATEWAY>_CALLS_A_SECOND`` of a gateway; raises ``SettingError``."""
    allow, rate = f"{gateway.upper()}_ALLOW", f"{gateway.upper()}_CALLS_A_SECOND"
    listed = environ.get(allow, "").strip()
    return CallersOf(_networks(allow, listed) if listed else None, _whole(environ, rate, 0, 1, 1_000_000))


def _servers(environ: Mapping[str, str]) -> ServerAddresses:
    try:
        return server_addresses(environ)
    except ValueError as error:
        raise SettingError(str(error)) from error


def _whole(environ: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = environ.get(name, "").strip()
    if not text:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
        raise SettingError(f"{name} must be a whole number from {low} to {high}, not {text!r}")
    return int(text)


def _ages(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([0-9]{1,3})\s*-\s*([0-9]{1,3})", text)
    if not found or int(found[1]) > int(found[2]):
        raise SettingError(f"AGE_LIMITS must be two ages such as 18-59, not {text!r}")
    return int(found[1]), int(found[2])


def _window(text: str) -> SendingWindow:
    found = re.fullmatch(r"([0-9]{2}:[0-9]{2})\s*-\s*([0-9]{2}:[0-9]{2})", text)
    try:
        opens, closes = (time.fromisoformat(part) for part in (found.groups() if found else ()))
    except ValueError as error:
        raise SettingError(f"SENDING_WINDOW must be two hours such as 08:00-20:00, not {text!r}") from error
    if opens >= closes:
        raise SettingError(f"SENDING_WINDOW must open before it closes, not {text!r}")
    return SendingWindow(opens, closes)


def parse_moment(text: str, name: str) -> datetime:
    """An ISO 8601 time with an offset; 24:00 is the end of its day. Raises ``SettingError`` that names ``name``."""
    # Deadlines are spoken of as 24.00, which Python does not read.
    spelling, days = re.subn(r"(?<=[0-9][T ])24(?=:00(:00)?([Z+-]|$))", "00", text.strip())
    try:
        moment = datetime.fromisoformat(spelling) + timedelta(days=days)
    except (ValueError, OverflowError) as error:
        raise SettingError(f"{name} must be an ISO 8601 time such as 2021-01-13T24:00+07:00, not {text!r}") from error
    if moment.tzinfo is None:
        raise SettingError(f"{name} needs an offset from UTC, such as +07:00: {text!r}")
    return moment


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SettingError(f"TIMEZONE must be an IANA name such as Asia/Jakarta, not {text!r}") from error


def _ussd_code(text: str) -> str:
    if not re.fullmatch(rf"[*#][0-9*#]{{2,{LONGEST_USSD_CODE - 1}}}", text):
        raise SettingError(
            f"USSD_CODE must be a code to dial such as *119#, of at most {LONGEST_USSD_CODE}, not {text!r}"
        )
    return text


def _short_code(text: str) -> str:
    if not re.fullmatch(r"\+?[0-9]{3,15}", text):
        raise SettingError(f"SHORT_CODE must be a number to text to such as 1199, not {text!r}")
    return text


def _amount(environ: Mapping[str, str], name: str) -> Decimal | None:
    text = environ.get(name, "").strip()
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,6})?", text):
        raise SettingError(f"{name} must be an amount such as 350 or 0.0125, not {text!r}")
    return Decimal(text)


def _call_centre(text: str) -> str:
    if not is_gsm7(text) or septets(text) > LONGEST_CALL_CENTRE:
        raise SettingError(
            f"CALL_CENTRE must be a number to call such as 119, of at most {LONGEST_CALL_CENTRE} characters, not {text!r}"
        )
    return text


def _networks(name: str, text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise SettingError(
            f"{name} must be addresses or networks such as 203.0.113.7, 198.51.100.0/24, not {text!r}"
        ) from error


def _address_header(text: str, proxies: object) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,60}|", text):
        raise SettingError(f"CLIENT_ADDRESS_HEADER must be the name of a header such as X-Forwarded-For, not {text!r}")
    if text and not proxies:
        raise SettingError("TRUSTED_PROXIES is not set: CLIENT_ADDRESS_HEADER is believed from nobody else")
    return text


def _simulator(environ: Mapping[str, str], public_url: str) -> bool:
    """Whether the simulator is served: never at an address that is the world's, where nobody means it."""
    wanted = _is_on(environ, "SIMULATOR")
    if wanted and public_url.lower().startswith("https://"):
        raise SettingError(
            "SIMULATOR must not be set where PUBLIC_URL starts with https://: whoever reaches it can play any phone"
        )
    return wanted


def _serves(text: str) -> str:
    if text.lower() not in _SERVES:
        raise SettingError(f"WEB_SERVES must be one of {', '.join(_SERVES)}, not {text!r}")
    return text.lower()


def _spool(environ: Mapping[str, str]) -> Path:
    named = environ.get("SPOOL", "").strip()
    return (Path(named) if named else Path(environ.get("VAR", "").strip() or "var") / "spool").absolute()


def _log_level(text: str) -> str:
    if text.upper() not in _LOG_LEVELS:
        raise SettingError(f"LOG_LEVEL must be one of {', '.join(_LOG_LEVELS)}, not {text!r}")
    return text.upper()


def load(environ: Mapping[str, str]) -> Settings:
    """Read all settings from ``environ``; raises ``SettingError``."""
    servers = _servers(environ)
    data_key = _required(environ, "DATA_KEY", "32 random bytes in URL-safe base64; keep a copy apart from the backups")
    try:
        Vault(data_key)
    except BadKey as error:
        raise SettingError(str(error)) from error
    host = environ.get("HOST", "").strip() or "127.0.0.1"
    port = _whole(environ, "PORT", 8000, 1, 65535)
    closes = environ.get("REGISTRATION_CLOSES_AT", "").strip()
    proxies = _networks("TRUSTED_PROXIES", environ.get("TRUSTED_PROXIES", ""))
    clock_file = environ.get("CLOCK_FILE", "").strip()
    return Settings(
        database_url=servers.database_url,
        database_read_url=servers.database_read_url,
        database_pooler=servers.database_pooler,
        redis_url=servers.redis_url,
        queue_redis_url=servers.queue_redis_url,
        secret_key=_required(environ, "SECRET_KEY", "a long random text that signs sessions and tokens"),
        data_key=data_key,
        public_url=(environ.get("PUBLIC_URL", "").strip() or f"http://{host}:{port}").rstrip("/"),
        host=host,
        port=port,
        sms_gateway=_required(
            environ, "SMS_GATEWAY", "the gateway for messages that start here, by its name, e.g. simulator"
        ),
        simulator=_simulator(environ, environ.get("PUBLIC_URL", "").strip()),
        age_limits=_ages(environ.get("AGE_LIMITS", "").strip() or "18-59"),
        time_zone=_zone(environ.get("TIMEZONE", "").strip() or "Asia/Jakarta"),
        registration_closes_at=parse_moment(closes, "REGISTRATION_CLOSES_AT") if closes else None,
        ussd_screen_septets=_whole(environ, "USSD_SCREEN_SEPTETS", 160, SMALLEST_SCREEN, 182),
        ussd_code=_ussd_code(environ.get("USSD_CODE", "").strip() or "*119#"),
        call_centre=_call_centre(environ.get("CALL_CENTRE", "").strip() or "119"),
        sending_window=_window(environ.get("SENDING_WINDOW", "").strip() or "08:00-20:00"),
        campaign_approval_above=_whole(environ, "CAMPAIGN_APPROVAL_ABOVE", 10_000, 0, 999_999_999),
        short_code=_short_code(environ.get("SHORT_CODE", "").strip() or "1199"),
        sms_price=_amount(environ, "SMS_PRICE"),
        sms_currency=environ.get("SMS_CURRENCY", "").strip() or "IDR",
        most_cost_a_day=_amount(environ, "MOST_COST_PER_DAY"),
        webhook_deadline=_whole(environ, "WEBHOOK_DEADLINE_MS", 3000, 1500, 10000) / 1000,
        web_processes=_whole(environ, "WEB_PROCESSES", 2, 1, 64),
        web_serves=_serves(environ.get("WEB_SERVES", "").strip() or "all"),
        spool=_spool(environ),
        spool_most=_whole(environ, "SPOOL_MOST", 100_000, 64, 100_000_000),
        admin_totp=_is_on(environ, "ADMIN_TOTP"),
        api_requests_a_minute=_whole(environ, "API_REQUESTS_A_MINUTE", 300, 1, 1_000_000),
        client_address_header=_address_header(environ.get("CLIENT_ADDRESS_HEADER", "").strip(), proxies),
        trusted_proxies=proxies,
        phone_turns=_whole(environ, "PHONE_TURNS", 360, 0, 1_000_000),
        kept_for=kept_for(environ, _whole),
        clock_file=Path(clock_file) if clock_file else None,
        log_level=_log_level(environ.get("LOG_LEVEL", "").strip() or "INFO"),
        environ=dict(environ),
    )
