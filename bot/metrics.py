"""What is counted. Labels come from closed sets: never a phone, a name or a text."""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

HOPS = Counter("balas_ussd_hops_total", "USSD requests answered", ["gateway", "outcome"])
HOP_SECONDS = Histogram(
    "balas_ussd_hop_seconds",
    "Time to answer a USSD request",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3),
)
SHED = Counter("balas_shed_total", "Calls of gateways turned away at once, since they had waited too long", ["kind"])
QUEUE_WAIT = Histogram(
    "balas_queue_wait_seconds",
    "Time that requests wait for a web process, by marks that it sends itself",
    buckets=(0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 3),
)
INBOUND = Counter("balas_inbound_sms_total", "Inbound SMS taken in", ["gateway", "outcome"])
RECEIPTS = Counter("balas_receipts_total", "Delivery reports applied", ["matched"])
HOPS_LOST = Counter("balas_hops_lost_total", "Turns of conversations whose note was lost, since Redis was away")
SPOOLED = Counter("balas_spooled_total", "What webhooks wrote to disk, or could not", ["outcome"])
SPOOL_REPLAYED = Counter("balas_spool_replayed_total", "What left the disk again", ["outcome"])
RECEIPTS_IN = Counter("balas_receipts_received_total", "Delivery reports taken in", ["gateway"])
REFUSED = Counter("balas_webhooks_refused_total", "Webhook calls refused", ["gateway", "reason"])
IDENTITY_WRONG = Counter("balas_identity_wrong_total", "Wrong birth dates, or pairs with a NIK", ["caller"])
IDENTITY_LOCKS = Counter(
    "balas_identity_locks_total", "Numbers, NIKs and blocks of numbers locked, claims refused", ["kind"]
)
TOO_OFTEN = Counter("balas_too_often_total", "Turns refused to phones that come too often", ["channel"])
SENT = Counter("balas_messages_total", "Messages handed to gateways", ["lane"])
FAILURES = Counter("balas_failures_total", "Requests that failed inside", ["where"])
AWAY = Counter("balas_away_total", "Requests for which PostgreSQL or Redis was away", ["where"])
#: Set when Prometheus asks (``bot.gauges``), so the last one that looked is right.
OLDEST_WAITING = Gauge(
    "balas_oldest_waiting_seconds",
    "Age of the oldest message that is due and has not left",
    ["lane"],
    multiprocess_mode="mostrecent",
)
UNKNOWN = Gauge("balas_unknown_messages", "Messages of unknown fate, undecided", multiprocess_mode="mostrecent")
IDENTITY_LOCKED = Gauge(
    "balas_identity_locked",
    "Numbers, NIKs and blocks of numbers that are locked now",
    ["kind"],
    multiprocess_mode="mostrecent",
)
WRONG_PAIRS = Gauge(
    "balas_identity_wrong_pairs_of_last_hour",
    "Wrong pairs of NIK and birth date from strange numbers",
    multiprocess_mode="mostrecent",
)
SPOOL_WAITING = Gauge("balas_spool_waiting", "What waits on this machine's disk", multiprocess_mode="mostrecent")
SPOOL_OLDEST = Gauge(
    "balas_spool_oldest_seconds", "Age of the oldest that waits on this machine's disk", multiprocess_mode="mostrecent"
)
SPOOL_QUARANTINED = Gauge(
    "balas_spool_quarantined", "What was put aside on this machine's disk", multiprocess_mode="mostrecent"
)
RECEIPTS_WAITING = Gauge("balas_receipts_waiting", "Delivery reports to be applied", multiprocess_mode="mostrecent")
#: For alert rules (``bot.alarms``), likewise set when Prometheus asks.
REACHABLE = Gauge("balas_reachable", "Whether it answers: 1 or 0", ["part"], multiprocess_mode="mostrecent")
SWEEP_AGE = Gauge("balas_sweep_age_seconds", "Since the last sweep was through", multiprocess_mode="mostrecent")
FIGURES_AGE = Gauge("balas_figures_age_seconds", "Since pages' figures were made", multiprocess_mode="mostrecent")
BACKUP_AGE = Gauge("balas_backup_age_seconds", "Since the last backup was taken", multiprocess_mode="mostrecent")
CLOCK_LEADS = Gauge("balas_clock_leads", "Whether a clock leads: 1 or 0", multiprocess_mode="mostrecent")
WORKERS = Gauge("balas_workers", "Workers that are alive", ["lane"], multiprocess_mode="mostrecent")
JOBS_WAITING = Gauge("balas_jobs_waiting", "Jobs that no worker has begun", ["lane"], multiprocess_mode="mostrecent")
INBOUND_DEAD = Gauge("balas_inbound_dead", "Inbound SMS that were given up", multiprocess_mode="mostrecent")
INBOUND_OLDEST = Gauge(
    "balas_inbound_oldest_seconds", "Age of the oldest inbound SMS without an answer", multiprocess_mode="mostrecent"
)
GATEWAY_HOUR = Gauge(
    "balas_gateway_hour_messages",
    "What a gateway made of the last hour's messages",
    ["gateway", "outcome"],
    multiprocess_mode="mostrecent",
)
FULL_DISTRICTS = Gauge(
    "balas_districts_without_places",
    "Districts in which people wait to register and no place is left",
    multiprocess_mode="mostrecent",
)
BROKEN = Gauge("balas_invariants_broken", "Invariants found broken by the last check", multiprocess_mode="mostrecent")


def render() -> bytes:
    """Everything counted so far, by all processes of this service on this machine, in Prometheus' text format."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
    return generate_latest()
