"""Full names of made-up people, as their province and sex suggest."""

from __future__ import annotations

from random import Random
from typing import Final

from bot.registration.nik import Sex
from bot.registration.sample.name_lists import AT_HOME, Custom, People

_BALINESE_ORDER: Final = ("Wayan", "Putu", "Made", "Kadek", "Nyoman", "Komang", "Ketut")
_SHARE_WITH_TITLE: Final = 0.15


def full_name(random: Random, province_code: str, sex: Sex) -> str:
    """A name of one to four words."""
    people = random.choice(AT_HOME.get(province_code) or AT_HOME[province_code[0]])
    match people.custom:
        case Custom.GIVEN_ONLY:
            words = _given_only(random, people, sex)
        case Custom.FAMILY_NAME:
            words = [*_given(random, people, sex, random.choice((1, 1, 2))), random.choice(people.last.of(sex))]
        case Custom.BALINESE:
            first = "I" if sex is Sex.MALE else "Ni"
            words = [first, random.choice(_BALINESE_ORDER), *_given(random, people, sex, 1)]
            if random.random() < 0.5:
                words.append(random.choice(people.last.of(sex)))
    return " ".join(words)


def _given_only(random: Random, people: People, sex: Sex) -> list[str]:
    chance = random.random()
    if chance < 0.06:
        return _given(random, people, sex, 1)
    words = _given(random, people, sex, 1 if chance < 0.75 else 2)
    last = random.choice(people.last.of(sex))
    if last not in words:
        words.append(last)
    if people.title is not None and random.random() < _SHARE_WITH_TITLE:
        words = [*people.title.of(sex), *words]
    return words


def _given(random: Random, people: People, sex: Sex, count: int) -> list[str]:
    return random.sample(people.first.of(sex), count)
