"""Why a provider does not take a message: the plain words for its codes, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass

from gateway_adapters.base import Rejected


@dataclass(frozen=True, slots=True)
class Refusal:
    """One of a provider's faults. Not ``permanent`` ones may pass by themselves or once an operator has acted."""

    reason: str
    permanent: bool = False
    wrong_number: bool = False
    opted_out: bool = False
    throttled: bool = False

    def of(self, message: int, retry_after: float | None = None) -> Rejected:
        """The outcome for ``message`` (its id)."""
        return Rejected(
            message,
            self.reason,
            permanent=self.permanent,
            wrong_number=self.wrong_number,
            opted_out=self.opted_out,
            throttled=self.throttled,
            retry_after=retry_after,
        )


#: Found by us, before anything is sent.
NO_PHONE = Refusal("the number is no phone number", permanent=True, wrong_number=True)
