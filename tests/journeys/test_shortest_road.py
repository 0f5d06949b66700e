"""From dialling to a ticket."""

from __future__ import annotations

from collections.abc import Callable

from bot.registration.tickets import is_ticket
from tests.phones import Phone
from tests.world import World

PhoneOf = Callable[[str], Phone]


def test_five_screens_from_dialling_to_a_ticket(world: World, phone_of: PhoneOf) -> None:
    place = world.facility()
    session = world.session(place)
    siti = world.worker(place)
    assert siti.phone is not None
    phone = phone_of(siti.phone)

    phone.dials().is_asked().sees("S*** W***", "tanggal lahir").does_not_see("Siti")
    phone.types("17081985").is_asked().sees("Siti Wulandari", "Kota Bandung", "1 Ya")
    phone.types("1").is_asked().sees("hamil", "1 Tidak ada")
    phone.types("1").is_asked().sees("Puskesmas Melati", "Kam 14 Jan 08.00-10.00 WIB", "1 Ambil")
    phone.types("1").is_hung_up_on().sees("Terdaftar", "SMS menyusul")

    booked = world.booking(siti)
    assert booked is not None
    state, ticket, booked_session = booked
    assert (state, booked_session) == ("booked", session)
    assert ticket is not None
    assert is_ticket(ticket)
    phone.sees(ticket)
    [sms] = world.messages(siti.phone)
    assert ticket in sms
    assert world.taken(session) == 1
    assert len(phone.screens) == 5
