"""Conversations, limits and inboxes on a Redis Cluster of real servers; one of them dies."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import redis

from bot.conversation.cluster_store import store_on
from bot.conversation.store import Record, Store, StoreAway
from bot.deadline import within
from bot.redis_clients import connect
from bot.redis_cluster import ClusterClient, slot_of
from bot.services import Services
from bot.web.admin.tries import Tries
from gateway_adapters.base import Accepted, Outgoing
from gateway_adapters.simulator import Simulator, inbox
from tests.journeys.conftest import MovableClock, app, clock, phone_of, post, services, world
from tests.journeys.conftest import environ as one_server
from tests.phones import Phone
from tests.scale.conftest import Cluster
from tests.world import World

__all__ = ["MovableClock", "app", "clock", "one_server", "phone_of", "post", "services", "world"]

PHONES = [f"+62812{number:07d}" for number in range(300)]


@pytest.fixture
def environ(one_server: dict[str, str], cluster: Cluster) -> dict[str, str]:
    return {**one_server, "REDIS_URL": cluster.url, "QUEUE_REDIS_URL": one_server["REDIS_URL"]}


@pytest.fixture
def store(client: redis.Redis) -> Store:
    for key in client.scan_iter("conv:*", count=1000):
        client.delete(key)
    return store_on(client)


def _record(answer: str = "Halo") -> Record:
    return Record(at=1.5, session="s1", answer=answer, goes_on=True)


class TestConversations:
    def test_all_nodes_have_some_of_them(self, store: Store, client: ClusterClient, cluster: Cluster) -> None:
        for phone in PHONES:
            assert store.load(phone) == (None, 0)
            assert store.save(phone, 0, _record(phone))
            assert not store.save(phone, 0, _record("somebody else was faster"))
        assert [store.load(phone) for phone in PHONES] == [(_record(phone), 1) for phone in PHONES]
        keys = [len(cluster.server_at(node).client().keys("conv:*")) for node in client.topology.primaries()]  # type: ignore[arg-type]
        assert len(keys) == 3
        assert min(keys) > 50
        assert len(list(client.scan_iter("conv:*", count=10))) == len(PHONES)

    def test_one_can_be_forgotten(self, store: Store) -> None:
        store.save(PHONES[0], 0, _record())
        store.forget(PHONES[0])
        assert store.load(PHONES[0]) == (None, 0)

    def test_a_whole_registration(self, world: World, phone_of: Callable[[str], Phone], services: Services) -> None:
        facility = world.facility()
        world.session(facility)
        worker = world.worker(facility)
        assert worker.phone is not None
        phone_of(worker.phone).registers(worker.typed_birth_date).sees("Tiket")
        assert services.conversations.exists(Store.key(worker.phone))


class TestSlotsOnTheMove:
    def test_a_conversation_is_followed_while_its_slot_moves_and_after(
        self, store: Store, client: ClusterClient, cluster: Cluster
    ) -> None:
        here, moves, new = "+628110000001", "+628110000001", "+628110000001"
        topology, slot = client.topology, slot_of(Store.key(here))
        store.save(moves, 0, _record("before"))
        source = cluster.server_at(topology.owner_of(Store.key(here)))
        goal = cluster.server_at(next(node for node in topology.primaries() if node != source.node))
        ids = [_id_of(server.client()) for server in (source, goal)]
        goal.client().execute_command("CLUSTER SETSLOT", slot, "IMPORTING", ids[0])
        source.client().execute_command("CLUSTER SETSLOT", slot, "MIGRATING", ids[1])
        # What is still there is answered there.
        assert store.load(moves) == (_record("before"), 1)
        source.client().execute_command("MIGRATE", *goal.node, Store.key(moves), 0, 1000)
        # Now it is asked for: the map still names the old node, which sends on with ASK.
        assert store.load(moves) == (_record("before"), 1)
        assert store.save(moves, 1, _record("on the move"))
        assert client.get(Store.key(new)) is not None
        store.forget(moves)
        assert store.save(moves, 0, _record("anew"))
        for server in (goal, source):
            server.client().execute_command("CLUSTER SETSLOT", slot, "NODE", ids[1])
        # It has moved, and this client has not been told.
        assert topology.owner_of(Store.key(here)) == source.node
        assert store.load(moves) == (_record("anew"), 1)
        assert topology.owner_of(Store.key(here)) == goal.node
        assert client.get(Store.key(new)) is not None


class TestTheRest:
    def test_tries_at_signing_in_are_limited(self, client: redis.Redis) -> None:
        tries = Tries(client, {"name": 2, "address": 5})
        made = [tries.begin(name="sari", address="10.0.0.1") for _ in range(3)]
        assert [each is not None for each in made] == [True, True, False]
        assert made[0] is not None
        tries.give_back(made[0])
        assert tries.begin(name="sari", address="10.0.0.1") is not None

    def test_the_simulator_keeps_its_inboxes_there(self, client: redis.Redis, cluster: Cluster) -> None:
        gateway = Simulator(
            {"REDIS_URL": cluster.url, "WEBHOOK_SECRET": "secret"}, public_url="http://127.0.0.1", timeout=1.0
        )
        sent = gateway.send([Outgoing(number, phone, "halo") for number, phone in enumerate(PHONES[:9])])
        assert all(isinstance(each, Accepted) for each in sent)
        assert [[sms.text for sms in inbox(client, phone)] for phone in PHONES[:9]] == [["halo"]] * 9

    def test_programs_are_limited(self, environ: dict[str, str], services: Services) -> None:
        from bot.web.api.front import NAME, counter

        limit = counter(services, 3)
        assert [limit(NAME, "7") for _ in range(4)] == [True, True, True, False]

    def test_it_has_no_pipeline(self, client: redis.Redis) -> None:
        with pytest.raises(NotImplementedError):
            client.pipeline()


class TestAway:
    def test_nobody_waits_long_for_a_cluster_of_which_no_node_answers(self) -> None:
        def waits() -> float:
            store = store_on(connect("redis+cluster://127.0.0.1:1,127.0.0.1:2"))
            began = time.monotonic()
            for seconds in (3.0, 0.2):
                with within(seconds), pytest.raises(StoreAway):
                    store.load(PHONES[0])
            return time.monotonic() - began

        # The least of three: what else the machine does is not the store's.
        assert min(waits() for _ in range(3)) < 1.0

    def test_a_primary_dies_and_its_replica_answers(
        self, store: Store, client: ClusterClient, cluster: Cluster
    ) -> None:
        """The last of all, since the cluster is another one then."""
        for phone in PHONES:
            store.save(phone, 0, _record(phone))
        lost = client.topology.owner_of(Store.key(PHONES[0]))
        mine = [phone for phone in PHONES if client.topology.owner_of(Store.key(phone)) == lost]
        others = [phone for phone in PHONES if phone not in mine]
        _await_replicas(cluster)
        cluster.server_at(lost).kill()
        with pytest.raises(StoreAway):
            store.load(mine[0])
        # The others notice nothing, and wait for nobody.
        began = time.monotonic()
        assert store.load(others[0]) == (_record(others[0]), 1)
        assert time.monotonic() - began < 0.3
        assert client.ping()
        end = time.monotonic() + 15
        while True:
            try:
                found = store.load(mine[0])
                break
            except StoreAway:
                assert time.monotonic() < end, "no replica has taken over"
        assert found == (_record(mine[0]), 1)
        assert [store.load(phone) for phone in PHONES] == [(_record(phone), 1) for phone in PHONES]
        assert all(store.save(phone, 1, _record("goes on")) for phone in PHONES)


def _id_of(client: redis.Redis) -> str:
    told: Any = client.execute_command("CLUSTER MYID")
    return str(told.decode())


def _await_replicas(cluster: Cluster) -> None:
    for node in cluster.nodes:
        if node.role() == "master":
            told: Any = node.client().execute_command("WAIT", 1, 5000)
            assert told == 1
