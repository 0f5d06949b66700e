"""The authentication of gateways that do not sign: a secret in the path of the webhook, ``WEBHOOK_SECRET``."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from gateway_adapters.base import GatewaySetting, SettingMissing

WEBHOOK_SECRET = GatewaySetting(
    "WEBHOOK_SECRET",
    "the part of the webhooks' path that only the gateway knows",
    required_to_receive=True,
    secret=True,
)


class PathSecret:
    """Knows ``WEBHOOK_SECRET``; without it nobody is let in."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Raises ``SettingMissing`` for a secret that no path can hold."""
        secret = environ.get(WEBHOOK_SECRET.name, "")
        if "/" in secret or not secret.isprintable() or secret != secret.strip():
            raise SettingMissing("WEBHOOK_SECRET must be one part of a path: no slash, no spaces around it")
        self._secret = secret.encode("utf-8", "surrogatepass")

    def is_right(self, given: str | None) -> bool:
        """Whether that is the secret: constant time, for any characters."""
        told = (given or "").encode("utf-8", "surrogatepass")
        return hmac.compare_digest(told, self._secret) and bool(self._secret)
