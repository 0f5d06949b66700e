"""A process dies with messages in hand: what was only claimed is sent, what may have been handed over is not."""

from __future__ import annotations

from bot.messaging import leases
from tests.messaging.post import Post
from tests.stub_gateways.africastalking_stub import AfricasTalkingStub


def test_what_was_only_claimed_is_sent_by_somebody_else(mail: Post, stub: AfricasTalkingStub) -> None:
    message = mail.write()
    [(lease, _)] = mail.claim()
    mail.passes(seconds=14)
    assert leases.sweep(mail.database, mail.clock.now()) == (0, 0)
    mail.passes(seconds=2)
    assert leases.sweep(mail.database, mail.clock.now()) == (1, 0)
    assert mail.send() == 1
    # the process was not dead but slow: it finds that the message is no longer its own
    assert leases.submit(mail.database, [lease], mail.clock.now()) == set()
    assert len(stub.taken) == 1
    assert mail.attempt(message) == ("settled", 1)


def test_what_may_have_been_handed_over_is_unknown(mail: Post, stub: AfricasTalkingStub) -> None:
    message = mail.write()
    mail.submit()
    mail.passes(seconds=61)
    assert leases.sweep(mail.database, mail.clock.now()) == (0, 1)
    assert mail.state(message) == "unknown"
    assert mail.send() == 0
    assert stub.received == []


def test_what_a_dead_process_had_handed_over_holds_up_nothing_else_for_long(
    mail: Post, stub: AfricasTalkingStub
) -> None:
    """Seed 307 of the fault runs: whoever texts again waited for a whole lease."""
    mail.write("first")
    mail.submit()
    mail.write("second")
    assert mail.send() == 0  # somebody may be just at it
    mail.passes(seconds=4)
    assert mail.send() == 1
    assert [taken.body for taken in stub.taken] == ["second"]


def test_what_is_being_handed_over_for_long_is_waited_for(mail: Post, stub: AfricasTalkingStub) -> None:
    mail.write("first")
    [(lease, _)] = mail.submit()
    mail.write("second")
    for _ in range(5):
        mail.passes(seconds=2)
        leases.renew(mail.database, [lease.id], mail.clock.now())
        assert mail.send() == 0
    assert stub.taken == []


def test_on_a_clock_that_runs_fast_a_process_has_as_long_by_the_machines(mail: Post) -> None:
    mail.write()
    mail.submit()
    mail.passes(seconds=61)
    assert leases.sweep(mail.database, mail.clock.now(), 120.0) == (0, 0)
    mail.passes(seconds=120 * 60)
    assert leases.sweep(mail.database, mail.clock.now(), 120.0) == (0, 1)
