"""Asking Africa's Talking what is left on the account: through its SDK's application service, on connections of our own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from africastalking.Application import ApplicationService

from gateway_adapters.africastalking_sms import Account
from gateway_adapters.base import Balance
from gateway_adapters.deadline_http import DeadlineHttp, HttpAnswer, NoAnswer, NotSent
from gateway_adapters.told_balance import told_balance


class AccountApi:
    """Asks about one account."""

    def __init__(self, account: Account, *, timeout: float) -> None:
        """``timeout``: seconds that one call may take in all."""
        self._service = _ApplicationService(account, timeout)

    def balance(self) -> Balance | None:
        """What is left, told as "KES 1785.50"; None where it cannot be told. Raises nothing."""
        try:
            answer: HttpAnswer = self._service.fetch_application_data()
        except (NotSent, NoAnswer):
            return None
        return read_balance(answer)


class _ApplicationService(ApplicationService):  # type: ignore[misc]  # the SDK has no types
    """The SDK's service for one account; as it comes it follows redirects with the API key and obeys ``HTTP_PROXY``."""

    def __init__(self, account: Account, timeout: float) -> None:
        self._api_url = account.api_url
        self._timeout = timeout
        self._http = DeadlineHttp()
        super().__init__(account.username, account.api_key)

    def _init_service(self) -> None:
        super()._init_service()
        if self._api_url is not None:
            self._baseUrl = f"{self._api_url}/version1"

    def _make_request(
        self, url: str, method: str, headers: Mapping[str, str], params: Mapping[str, Any], **_kwargs: Any
    ) -> HttpAnswer:
        """One call, whatever its status; raises ``NotSent`` and ``NoAnswer``. The SDK's own timeout is not for us."""
        query = urlencode(params, errors="replace")
        return self._http.exchange(method, f"{url}?{query}", headers=headers, timeout=self._timeout)


def read_balance(answer: HttpAnswer) -> Balance | None:
    """The balance in the API's answer; None where there is none."""
    told = (answer.json_object() or {}).get("UserData") if answer.is_success else None
    text = told.get("balance") if isinstance(told, dict) else None
    if not isinstance(text, str):
        return None
    currency, _, amount = text.strip().partition(" ")
    return told_balance(amount, currency)
