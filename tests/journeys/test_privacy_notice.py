"""Who uses the data for what is said at the first contact, by a word, and whenever the word is texted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.phones import Phone
from tests.world import World

PhoneOf = Callable[[str], Phone]


@pytest.mark.parametrize("number", ["theirs", "+6281288887777"])
def test_the_first_screen_names_the_word_and_the_road_is_as_short_as_ever(
    world: World, phone_of: PhoneOf, number: str
) -> None:
    place = world.facility()
    world.session(place)
    siti = world.worker(place)
    phone = phone_of(str(siti.phone) if number == "theirs" else number)
    phone.dials().sees("SMS DATA")
    if number == "theirs":
        phone.types(siti.typed_birth_date).types("1").types("1").types("1").sees("Tiket").is_hung_up_on()
        assert len(phone.screens) == 5


@pytest.mark.parametrize("number", ["theirs", "+6281288887777"])
def test_so_does_the_first_reply_to_a_text(world: World, phone_of: PhoneOf, number: str) -> None:
    siti = world.worker(world.facility())
    phone = phone_of(str(siti.phone) if number == "theirs" else number)
    phone.texts("halo")
    [reply] = world.messages(phone.number)
    assert "SMS DATA" in reply


def test_a_phone_of_several_is_told_too(world: World, phone_of: PhoneOf) -> None:
    siti = world.worker(world.facility())
    world.worker(world.facility(), name="Budi Santoso", phone=siti.phone)
    phone_of(str(siti.phone)).dials().sees("SMS DATA").does_not_see("S***")


@pytest.mark.parametrize("word", ["DATA", "data.", "Privasi", "PRIVACY", "data saya"])
def test_the_word_is_answered_and_leaves_the_conversation_where_it_was(
    world: World, phone_of: PhoneOf, word: str
) -> None:
    siti = world.worker(world.facility())
    phone = phone_of(str(siti.phone))
    phone.texts("17081985")
    asked = world.messages(str(siti.phone))[-1]
    assert "Siti Wulandari" in asked
    phone.texts(word)
    said = world.messages(str(siti.phone))[-1]
    assert "hanya untuk vaksinasi ini" in said
    assert "119" in said
    phone.texts("1")
    assert world.messages(str(siti.phone))[-1] not in {asked, said}


def test_in_english_too(world: World, phone_of: PhoneOf) -> None:
    siti = world.worker(world.facility())
    phone = phone_of(str(siti.phone))
    phone.texts("ENGLISH")
    phone.texts("PRIVACY")
    assert "for this vaccination only" in world.messages(str(siti.phone))[-1]
