"""The parts of a process, put together once from its settings: used by web, workers, clock and commands."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from bot import config
from bot.breaker import Breaker
from bot.clock import Clock, clock_from
from bot.crypto import Vault
from bot.db.database import Database, Pooler
from bot.db.reading import Replica
from bot.messaging.spool import Spool
from bot.messaging.spool_in_time import SpoolInTime
from bot.redis_addresses import RedisKind, redis_address
from gateway_adapters.base import GatewayRegistry

if TYPE_CHECKING:
    import redis

    from bot.campaigns.composing import Composer
    from bot.campaigns.planning import Planner
    from bot.conversation.driver import Driver
    from bot.conversation.hops import HopNotes
    from bot.conversation.store import Store
    from bot.messaging.receipt_stream import Way
    from bot.messaging.wake import Waker
    from bot.registration.terms import Terms
    from flows.memory import Memory

#: Seconds that one call to a gateway may take: below the lease of a claim.
GATEWAY_TIMEOUT = 10.0


@dataclass(frozen=True)
class Services:
    """Everything a process may need; what it does not use is neither made nor loaded (Redis: a sixth of a command's start)."""

    settings: config.Settings
    #: Seconds a statement may take, None for long work.
    statement_limit: float | None = 1.2

    @cached_property
    def clock(self) -> Clock:
        return clock_from(self.settings.clock_file)

    @cached_property
    def vault(self) -> Vault:
        return Vault(self.settings.data_key)

    @cached_property
    def database(self) -> Database:
        return Database(
            self.settings.database_url, limit=self.statement_limit, behind=Pooler(self.settings.database_pooler)
        )

    @cached_property
    def reading(self) -> Database:
        """For pages of figures, which may be a little old: a replica, if there is one."""
        url, behind = self.settings.database_read_url, Pooler(self.settings.database_pooler)
        return Replica(self.database, url, limit=self.statement_limit, behind=behind) if url else self.database

    @cached_property
    def spool(self) -> Spool:
        return Spool(self.settings.spool, self.vault, self.settings.spool_most)

    @cached_property
    def letterbox(self) -> SpoolInTime:
        """The way into it for webhooks."""
        return SpoolInTime(self.spool)

    @cached_property
    def conversations(self) -> redis.Redis:
        from bot.redis_clients import connect

        return connect(self.settings.redis_url)

    @cached_property
    def store(self) -> Store:
        from bot.conversation.cluster_store import store_on

        return store_on(self.conversations)

    @cached_property
    def queue(self) -> redis.Redis:
        from bot.redis_clients import connect

        return connect(self.settings.queue_redis_url, timeout=2.0)

    @cached_property
    def receipts_queue(self) -> redis.Redis:
        from bot.redis_clients import connect

        # A webhook has less time than a worker.
        return connect(self.settings.queue_redis_url)

    @cached_property
    def receipts_way(self) -> Way:
        from bot.messaging import receipt_stream
        from bot.redis_line import OwnLine

        # A receipt is acknowledged for good: where a replica may take over, it has to have it, and the primary is looked for.
        if redis_address(self.settings.queue_redis_url).kind is RedisKind.SENTINEL:
            return receipt_stream.with_copies(self.receipts_queue)
        return receipt_stream.alone(OwnLine(self.receipts_queue))

    @cached_property
    def receipts_breaker(self) -> Breaker:
        return Breaker()

    @cached_property
    def gateways(self) -> GatewayRegistry:
        from gateway_adapters.registry import load_gateways  # the providers' SDKs take long to load

        return load_gateways(
            self.settings.environ,
            public_url=self.settings.public_url,
            timeout=GATEWAY_TIMEOUT,
            simulator=self.settings.simulator,
        )

    def check_sending(self) -> None:
        """Raise ``SettingError`` unless the gateway for messages that start here is there and can send, and whoever may
        call for each gateway is told rightly."""
        for each in self.gateways.by_name:
            config.callers_of(self.settings.environ, each)
        name = self.settings.sms_gateway
        gateway = self.gateways.by_name.get(name)
        if gateway is None:
            there = ", ".join(sorted(self.gateways.by_name))
            raise config.SettingError(f"SMS_GATEWAY must be one of {there}, not {name!r} (simulator needs SIMULATOR=1)")
        missing = gateway.missing_to_send()
        if missing:
            raise config.SettingError(f"{' and '.join(missing)} must be set, since SMS_GATEWAY is {name}")

    @cached_property
    def waker(self) -> Waker:
        from bot.messaging.outbox import Lane
        from bot.messaging.wake import Waker
        from bot.queues import Work, enqueue_drain

        return Waker(self.queue, lambda: enqueue_drain(self.queue, Lane.REPLY), Work.REPLY)

    @cached_property
    def receipts_waker(self) -> Waker:
        from bot.messaging.wake import Waker
        from bot.queues import Work, enqueue_receipts

        return Waker(self.queue, lambda: enqueue_receipts(self.queue), Work.RECEIPTS)

    @cached_property
    def hop_notes(self) -> HopNotes:
        from bot.conversation.hops import HopNotes

        # Beside the queues, not beside the conversations, which may be on a cluster.
        return HopNotes(self.receipts_queue)

    @cached_property
    def composer(self) -> Composer:
        from bot.campaigns.composing import Composer

        return Composer(self.settings.ussd_code, self.settings.short_code)

    @cached_property
    def planner(self) -> Planner:
        from bot.campaigns.planning import Budget, Planner

        settings = self.settings
        budget = Budget(settings.sms_price, settings.most_cost_a_day, settings.time_zone)
        return Planner(self.database, self.gateways, self.composer, settings.sending_window, budget)

    @cached_property
    def terms(self) -> Terms:
        from bot.registration.terms import Terms

        return Terms(self.settings.age_limits, self.settings.time_zone, self.settings.sms_gateway)

    @cached_property
    def driver(self) -> Driver[Memory]:
        # A command that talks with nobody does without.
        from bot.conversation.driver import Driver
        from bot.conversation.engine import Engine
        from bot.conversation.often import Often
        from bot.registration.desk import Desk
        from flows.memory import Campaign
        from flows.registration import catalogs, registration

        settings = self.settings
        flow = registration(Campaign(settings.ussd_code, settings.call_centre, settings.age_limits))
        return Driver(
            Engine(flow, catalogs(), limit=settings.ussd_screen_septets),
            self.store,
            Desk(self.database, self.vault, self.terms, self.waker.wake).perform,
            self.clock,
            digest_keys=self.vault.hashes("conversation digest"),
            time_zone=settings.time_zone,
            note=self.hop_notes.note,
            often=Often(settings.phone_turns),
        )

    def close(self) -> None:
        """Let go of what was opened."""
        for name in ("waker", "receipts_waker", "hop_notes"):
            if name in self.__dict__:
                getattr(self, name).close()
        for name in ("reading", "database"):
            if name in self.__dict__:
                getattr(self, name).close()
