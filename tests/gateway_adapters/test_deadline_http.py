"""What the HTTP below both SDKs promises: one end for a whole call, one try, and a sure word on what may have left."""

from __future__ import annotations

import contextlib
import datetime
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway_adapters import deadline_connection, deadline_http
from gateway_adapters.deadline_http import DeadlineHttp, HttpAnswer, NoAnswer, NotSent
from tests.gateway_adapters.conftest import DRIP, HASTE, PATIENCE
from tests.stub_gateways.africastalking_stub import AfricasTalkingStub
from tests.stub_gateways.behaviour import Behaviour

FORM = b"username=u&to=%2B6281234567890&message=halo"


def post(http: DeadlineHttp, url: str, timeout: float = PATIENCE) -> HttpAnswer:
    headers = {"apiKey": "k", "Content-Type": "application/x-www-form-urlencoded"}
    return http.exchange("POST", url + "/version1/messaging", headers=headers, body=FORM, timeout=timeout)


@pytest.fixture
def http() -> DeadlineHttp:
    return DeadlineHttp()


def test_a_connection_is_kept(http: DeadlineHttp, africastalking_stub: AfricasTalkingStub) -> None:
    assert [post(http, africastalking_stub.url).status for _ in range(3)] == [201] * 3
    assert len({received.connection for received in africastalking_stub.received}) == 1


def test_a_connection_that_rested_too_long_is_not_used_again(
    monkeypatch: pytest.MonkeyPatch, http: DeadlineHttp, africastalking_stub: AfricasTalkingStub
) -> None:
    monkeypatch.setattr(deadline_connection, "LONGEST_REST", 0.0)
    for _ in range(3):
        post(http, africastalking_stub.url)
    assert len({received.connection for received in africastalking_stub.received}) == 3


def test_a_connection_that_the_provider_closed_meanwhile_is_replaced(
    http: DeadlineHttp, africastalking_stub: AfricasTalkingStub
) -> None:
    africastalking_stub.behaves(Behaviour.CLOSE, times=1)
    assert post(http, africastalking_stub.url).json_object() is not None
    assert post(http, africastalking_stub.url).status == 201


def test_a_child_makes_its_own_connections(http: DeadlineHttp, africastalking_stub: AfricasTalkingStub) -> None:
    post(http, africastalking_stub.url)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if post(http, africastalking_stub.url).status == 201 else 1
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    post(http, africastalking_stub.url)
    parent, forked, parent_again = (received.connection for received in africastalking_stub.received)
    assert parent == parent_again != forked


def test_proxies_of_the_environment_are_not_asked(
    monkeypatch: pytest.MonkeyPatch, http: DeadlineHttp, africastalking_stub: AfricasTalkingStub
) -> None:
    with AfricasTalkingStub() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert post(http, africastalking_stub.url).status == 201
        assert proxy.received == []


def test_a_resolver_that_hangs_does_not_hold_the_call(monkeypatch: pytest.MonkeyPatch, http: DeadlineHttp) -> None:
    never = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: never.wait() and [])
    started = time.monotonic()
    with pytest.raises(NotSent, match=r"no connection within 0\.2 s"):
        post(http, "http://slow.example", timeout=0.2)
    assert time.monotonic() - started < 1
    never.set()


@pytest.mark.parametrize("host", ["no-such-name.invalid", "a" * 64 + ".example"])
def test_a_name_that_nobody_knows(http: DeadlineHttp, host: str) -> None:
    with pytest.raises(NotSent):
        post(http, f"http://{host}", timeout=HASTE)


def test_an_address_that_is_dead_leaves_time_for_the_next(
    monkeypatch: pytest.MonkeyPatch, http: DeadlineHttp, africastalking_stub: AfricasTalkingStub
) -> None:
    alive = ("127.0.0.1", int(africastalking_stub.url.rpartition(":")[2]))
    with contextlib.ExitStack() as open_sockets:
        dead = open_sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0)).getsockname()
        # Its queue of one is taken, so it leaves the next caller without an answer.
        open_sockets.enter_context(socket.create_connection(dead))
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in (dead, alive)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: found)
        assert post(http, "http://two-addresses.example", timeout=4 * HASTE).status == 201


def test_a_port_that_takes_connections_but_never_answers(http: DeadlineHttp) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf, pytest.raises(NoAnswer, match=rf"within {HASTE:g} s"):
        post(http, f"http://127.0.0.1:{deaf.getsockname()[1]}", timeout=HASTE)


def test_a_tls_handshake_that_never_ends_has_handed_nothing_over(http: DeadlineHttp) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf, pytest.raises(NotSent, match=r"within 0\.2 s"):
        post(http, f"https://127.0.0.1:{deaf.getsockname()[1]}", timeout=0.2)


def test_plain_http_at_a_tls_address_has_handed_nothing_over(
    http: DeadlineHttp, africastalking_stub: AfricasTalkingStub
) -> None:
    with pytest.raises(NotSent):
        post(http, africastalking_stub.url.replace("http:", "https:"), timeout=0.5)
    assert africastalking_stub.taken == []


@pytest.fixture
def tls_stub(tmp_path: Path) -> Iterator[tuple[AfricasTalkingStub, Path]]:
    """A stub behind TLS, and the file with its certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "stub.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with AfricasTalkingStub(tls=context) as stub:
        stub.drip = DRIP
        yield stub, pem


def test_a_certificate_that_nobody_vouches_for_is_refused(
    http: DeadlineHttp, tls_stub: tuple[AfricasTalkingStub, Path]
) -> None:
    stub, _ = tls_stub
    with pytest.raises(NotSent, match="certificate"):
        post(http, stub.url)
    assert stub.received == []


def test_tls_has_the_same_end_and_is_kept_too(
    monkeypatch: pytest.MonkeyPatch, http: DeadlineHttp, tls_stub: tuple[AfricasTalkingStub, Path]
) -> None:
    stub, pem = tls_stub
    monkeypatch.setattr(deadline_http, "_trust", lambda: ssl.create_default_context(cafile=str(pem)))
    url = stub.url.replace("127.0.0.1", "localhost")
    assert [post(http, url).status for _ in range(2)] == [201, 201]
    assert len({received.connection for received in stub.received}) == 1
    for behaviour in (Behaviour.DRIP_BODY, Behaviour.DRIP_HEADERS, Behaviour.SLOW):
        stub.behaves(behaviour)
        started = time.monotonic()
        with pytest.raises(NoAnswer, match=rf"within {HASTE:g} s"):
            post(http, url, timeout=HASTE)
        assert time.monotonic() - started < 2 * HASTE


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("7", 7.0), (" 0 ", 0.0), ("999999", 3600.0), ("soon", None), ("-3", None), ("٣", None), ("", None)],
)
def test_retry_after_in_seconds(told: str, seconds: float | None) -> None:
    assert HttpAnswer(429, {"Retry-After": told}, b"").retry_after() == seconds


@pytest.mark.parametrize(
    ("told", "seconds"), [("Wed, 13 Jan 2021 11:30:00 GMT", 0.0), ("Fri, 13 Jan 2090 11:30:00 GMT", 3600.0)]
)
def test_retry_after_as_a_date(told: str, seconds: float) -> None:
    assert HttpAnswer(429, {"Retry-After": told}, b"").retry_after() == seconds
