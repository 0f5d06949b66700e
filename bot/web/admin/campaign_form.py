"""The composer's form: what an admin has filled in, as a plan, and a draft as the form shows it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from zoneinfo import ZoneInfo

from werkzeug.datastructures import FileStorage, MultiDict

from bot.campaigns.audience import LANGUAGES, LONGEST_SILENCE
from bot.campaigns.plans import LONGEST_NAME, Plan
from bot.campaigns.record import DEFAULT_LANGUAGE, Campaign
from bot.web.admin.formats import number as number_text
from bot.web.admin.words import say

#: Members of an audience that are lists of boxes or choices in the form.
_LISTS: Final = ("provinces", "districts", "facilities", "states", "stopped_at", "languages")
_BETWEEN: Final = re.compile(r"[\n\r,;]+")
_WALL: Final = "%Y-%m-%dT%H:%M"


class FormError(ValueError):
    """A field cannot be read; the text is for the admin, in their language."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What stands in the form. ``kept_phones``: the numbers that the draft has already, which are never shown."""

    fields: MultiDict[str, str]
    zone: ZoneInfo
    kept_phones: tuple[str, ...] = ()
    file: FileStorage | None = None

    def audience(self) -> dict[str, object]:
        """The audience as it is kept; raises ``FormError``."""
        found: dict[str, object] = {}
        for name in _LISTS:
            chosen = [each.strip() for each in self.fields.getlist(name) if each.strip()]
            if name == "facilities":
                chosen = [code for each in chosen for code in _split(each)]
            if chosen:
                found[name] = chosen
        if professions := _split(self.fields.get("professions", "")):
            found["professions"] = professions
        if hours := self._number("silent_for_hours", say("Silent for hours")):
            if hours > LONGEST_SILENCE:
                raise FormError(
                    say("{field}: at most {n}, please.", field=say("Silent for hours"), n=number_text(LONGEST_SILENCE))
                )
            found["silent_for_hours"] = float(hours)
        if name := self.fields.get("campaign", "").strip():
            outcomes = self.fields.getlist("outcomes")
            if not outcomes:
                raise FormError(say("Choose what became of the earlier campaign's message."))
            found["campaign"] = {"name": name, "outcome": outcomes}
        if phones := self._phones():
            found["phones"] = phones
        return found

    def plan(self, audience: Mapping[str, object]) -> Plan:
        """What is to be sent to ``audience``; raises ``FormError``."""
        name = self.fields.get("name", "").strip()
        if not 1 <= len(name) <= LONGEST_NAME:
            raise FormError(say("The campaign needs a name of at most {n} characters.", n=LONGEST_NAME))
        texts = self.texts()
        if DEFAULT_LANGUAGE not in texts:
            raise FormError(say("The campaign needs a text in Indonesian."))
        rate = self._number("rate", say("Messages a second"))
        return Plan(
            name=name,
            texts=texts,
            audience=audience,
            gateway=self.fields.get("gateway", ""),
            rate=None if rate is None else float(rate),
            start_at=self._moment("start_at"),
            deadline_at=self._moment("deadline_at"),
            most_cost=self._number("most_cost", say("Costs at most")),
            ignore_quiet_hours="any_hour" in self.fields,
        )

    def texts(self) -> dict[str, str]:
        """The texts by language, of those that have one."""
        texts = {language: self.fields.get(f"text_{language}", "").replace("\r\n", "\n") for language in LANGUAGES}
        return {language: body for language, body in texts.items() if body.strip()}

    def _phones(self) -> list[str]:
        pasted = _split(self.fields.get("phones", ""))
        if self.file is not None and self.file.filename:
            content = self.file.read().decode("utf-8-sig", errors="replace")
            # Of a table, the first column; a heading is no number.
            cells = [re.split(r"[,;\t]", line)[0].strip().strip('"') for line in content.splitlines()]
            pasted += [each for each in cells if re.search(r"\d", each)]
        if not pasted and "keep_phones" in self.fields:
            return list(self.kept_phones)
        return pasted

    def _number(self, name: str, label: str) -> Decimal | None:
        given = self.fields.get(name, "").strip().replace(",", ".")
        if not given:
            return None
        try:
            number = Decimal(given)
        except InvalidOperation as error:
            raise FormError(say("{field}: a number above 0, please.", field=label)) from error
        if not number.is_finite() or not 0 < number < 10**15:
            raise FormError(say("{field}: a number above 0, please.", field=label))
        return number

    def _moment(self, name: str) -> datetime | None:
        given = self.fields.get(name, "").strip()
        if not given:
            return None
        try:
            return datetime.strptime(given[:16], _WALL).replace(tzinfo=self.zone)
        except ValueError as error:
            raise FormError(say("A day and an hour, please, such as 2021-01-13 09:00.")) from error


def shown(campaign: Campaign, zone: ZoneInfo) -> MultiDict[str, str]:
    """A draft as the form's fields show it; its numbers stay where they are."""
    audience: Mapping[str, Any] = campaign.audience
    fields: MultiDict[str, str] = MultiDict()
    for name in _LISTS:
        fields.setlist(name, [str(each) for each in audience.get(name, ())])
    fields.setlist("outcomes", [str(each) for each in audience.get("campaign", {}).get("outcome", ())])
    plain = {
        "name": campaign.name,
        "gateway": campaign.gateway,
        "rate": "" if campaign.rate is None else f"{campaign.rate:g}",
        "most_cost": "" if campaign.most_cost is None else f"{campaign.most_cost:f}",
        "start_at": _wall(campaign.start_at, zone),
        "deadline_at": _wall(campaign.deadline_at, zone),
        "professions": ", ".join(audience.get("professions", ())),
        "silent_for_hours": f"{audience['silent_for_hours']:g}" if "silent_for_hours" in audience else "",
        "campaign": audience.get("campaign", {}).get("name", ""),
        **{f"text_{language}": body for language, body in campaign.texts.items()},
        **({"any_hour": "yes"} if campaign.ignore_quiet_hours else {}),
        **({"keep_phones": "yes"} if "phones" in audience else {}),
    }
    for name, value in plain.items():
        fields[name] = value
    return fields


def _split(text: str) -> list[str]:
    return [each.strip() for each in _BETWEEN.split(text) if each.strip()]


def _wall(moment: datetime | None, zone: ZoneInfo) -> str:
    return "" if moment is None else moment.astimezone(zone).strftime(_WALL)
