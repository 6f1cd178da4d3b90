"""Figures for Prometheus: the log, the projections, the appends, what falls due (A24).

Counts of the process come from its memory; everything else is read when it is asked for, so that
any number of processes tell the same. No figure is about one person.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final

import structlog
from fastapi import Response, Security
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from app.api.call import Call, authorised
from app.api.failures import DATABASE_AWAY
from app.api.operations import operation, router
from app.auth import Scope
from app.measures import Retained
from app.projections import PROJECTIONS
from app.projections.positions import status
from app.registers.deadlines import tally
from app.service import Service
from app.store.cosignatures import Cosignatures
from app.store.log_tree import LogTree
from app.store.time_stamps import TimeStamps

ROUTES = router("operations")
Reader = Annotated[Call, Security(authorised, scopes=[Scope.METRICS_READ])]

_log: Any = structlog.get_logger("pdledger.metrics")

EXAMPLE: Final = """\
# HELP pdledger_projection_lag_events Events that the projection has not read.
# TYPE pdledger_projection_lag_events gauge
pdledger_projection_lag_events{projection="profiles"} 0.0
"""


class _Families:
    """Figures read just now, as a registry asks for them."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """All of them."""
        return self._families


@operation(
    ROUTES,
    "GET",
    "/metrics",
    scope=Scope.METRICS_READ,
    answers=None,
    summary="Show the figures of operation",
    example=EXAMPLE,
    media_type="text/plain",
)
async def metrics(call: Reader) -> Response:
    """Head of the log, lag, parked people and rebuilds by projection, latency and size of appends.

    And what waits for somebody: requests, objections, breaches and notices by the clocks of the
    law, receivers that do not answer, and what the last run of retention left, told by the process
    that carries it out. In the text format of Prometheus.
    """
    service = call.service
    read = CollectorRegistry(auto_describe=False)
    read.register(_Families(await _families(service)))
    text = generate_latest(service.measures.registry) + generate_latest(read)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


async def _families(service: Service) -> list[Metric]:
    """What is read just now; a part that cannot be is counted, and hides none of the others."""
    unread = GaugeMetricFamily(
        "pdledger_figures_unread", "1: they could not be read just now.", labels=["part"]
    )
    families: list[Metric] = [unread]
    parts = {"projections": _of_projections, "log": _of_log, "deadlines": _of_deadlines}
    for name, read in parts.items():
        try:
            families += await read(service)
        except DATABASE_AWAY:
            raise
        except Exception as error:  # noqa: BLE001  # whoever is woken by figures needs the others
            _log.error("figures not read", part=name, error_class=type(error).__name__)
            unread.add_metric([name], 1)
        else:
            unread.add_metric([name], 0)
    return families


async def _of_projections(service: Service) -> list[Metric]:
    standing = await status(service.pool, PROJECTIONS)
    figures: list[tuple[str, str, dict[str, float]]] = [
        ("lag_events", "Events that it has not read.", {one.name: one.lag for one in standing}),
        (
            "lag_seconds",
            "How long the oldest of them has waited.",
            {one.name: one.lag_s for one in standing},
        ),
        (
            "position",
            "The last position that it has read.",
            {one.name: one.position for one in standing},
        ),
        (
            "parked_subjects",
            "People who wait for `pdledger project redrive`.",
            {one.name: one.parked for one in standing},
        ),
        (
            "rebuild_events",
            "Events that a rebuild under way is to read.",
            {one.name: one.rebuilding.events for one in standing if one.rebuilding is not None},
        ),
        (
            "rebuild_read_events",
            "Events that a rebuild under way has read.",
            {one.name: one.rebuilding.read for one in standing if one.rebuilding is not None},
        ),
    ]
    families: list[Metric] = [
        GaugeMetricFamily(
            "pdledger_head_position", "The last position of the log.", standing[0].head
        )
    ]
    for name, text, values in figures:
        family = GaugeMetricFamily(f"pdledger_projection_{name}", text, labels=["projection"])
        for projection, value in values.items():
            family.add_metric([projection], value)
        families.append(family)
    return families


async def _of_log(service: Service) -> list[Metric]:
    standing = await LogTree(service.pool).standing()
    return [
        GaugeMetricFamily("pdledger_log_size", "Entries in the signed tree.", standing.size),
        GaugeMetricFamily(
            "pdledger_log_lag_events", "Entries that are not in it so far.", standing.lag
        ),
        GaugeMetricFamily(
            "pdledger_log_lag_seconds",
            "How long the oldest of them has waited.",
            standing.lag_s,
        ),
        *await _of_attestation(service),
    ]


async def _of_attestation(service: Service) -> list[Metric]:
    """How far witnesses and authority have come; only those that are set up."""
    policy, kept = service.attestation.policy, Cosignatures(service.pool)
    size = GaugeMetricFamily(
        "pdledger_log_witness_size", "The largest tree that it cosigned.", labels=["witness"]
    )
    at = GaugeMetricFamily(
        "pdledger_log_witness_timestamp_seconds", "When it did so.", labels=["witness"]
    )
    reached = await kept.reached(policy)
    for witness in policy.witnesses:
        last = reached.get(witness.name)
        size.add_metric([witness.name], 0 if last is None else last.size)
        if last is not None:
            at.add_metric([witness.name], last.cosigned_at.timestamp())
    cosigned = GaugeMetricFamily(
        "pdledger_log_cosigned_size", "The largest tree that enough witnesses cosigned."
    )
    if policy.witnesses:
        cosigned.add_metric([], await kept.newest_size(policy) or 0)
    stamped = GaugeMetricFamily(
        "pdledger_log_timestamp_seconds", "When the authority last stamped a checkpoint."
    )
    stamp = await TimeStamps(service.pool).newest()
    if stamp is not None:
        stamped.add_metric([], stamp.stamped_at.timestamp())
    return [size, at, cosigned, stamped]


async def _of_deadlines(service: Service) -> list[Metric]:
    given = (await service.ledger.rules()).at(service.ledger.clock())
    due = await tally(service.pool, service.store, service.kept.people, given)
    troubled = await service.subscriptions.troubled()
    counted = {
        **{(kind, "running"): one.running for kind, one in due.items()},
        **{(kind, "overdue"): one.overdue for kind, one in due.items()},
        ("subscription", "retrying"): troubled.retrying,
        ("subscription", "disabled"): troubled.disabled,
    }
    # What retention left takes a look at every stream: once a day, by the worker.
    retained = service.measures.retained
    ran = [] if retained is None else [_of_run(retained)]
    if retained is not None:
        counted["retention", "overdue"] = retained.keys_left
        counted["erasure_closing", "overdue"] = retained.closings_left
    family = GaugeMetricFamily(
        "pdledger_deadlines", "What waits to be done, by its clock.", labels=["kind", "state"]
    )
    for labels, number in counted.items():
        family.add_metric(labels, number)
    return [family, *ran]


def _of_run(retained: Retained) -> Metric:
    return GaugeMetricFamily(
        "pdledger_retention_run_timestamp_seconds",
        "When this process last carried out what was due.",
        retained.at.timestamp(),
    )
