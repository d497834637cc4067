"""Numbers for Prometheus: a pure reading of what is watched, in its text format.

Counters count from when the process began to watch; a hall that was opened again has read its whole
record. No label is a stranger's text: each has one of a fixed number of values.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from prometheus_client import generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from numen.market.coins import Pocket
from numen.market.job import Phase
from numen.market.offence import Outcome
from numen.market.stake import Role
from numen.market.turn import Market
from numen.watch.ledger import Chronicle
from numen.watch.market import standing
from numen.watch.story import BUCKETS_MS, Story
from numen.watch.traffic import Traffic

_ENDS: Final = ("settled", "failed", "expired", "cancelled")
_TICKETS: Final = ("won", "lost", "paid", "unpaid")

Numbers: TypeAlias = Mapping[str, float]


def text(families: Iterable[Metric]) -> bytes:
    """Write families in the text format."""
    return generate_latest(_Once(list(families)))


class _Once(Collector):
    """What a registry is to the writer: families that it can ask for."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def of_market(story: Story, market: Market | None) -> Iterator[Metric]:
    """The numbers of a market."""
    states = dict.fromkeys([*(phase.value for phase in Phase), "claimed", "contested"], 0)
    for task in story.live.values():
        states[task.state] = states.get(task.state, 0) + 1
    yield _gauge("numen_market_tasks", "Tasks that live, by state.", "state", states)
    ends = {how: story.ends[how] for how in _ENDS}
    yield _counter("numen_market_tasks_ended", "Tasks that ended, by how.", "how", ends)
    yield _latency(story)
    kinds = dict(story.kinds)
    yield _counter("numen_market_events", "What happened, by kind.", "kind", kinds)
    fines = {outcome.value: story.fines[outcome.value] for outcome in Outcome}
    yield _counter("numen_market_fines", "Fines, by offence.", "offence", fines)
    fined = {outcome.value: story.fined[outcome.value] for outcome in Outcome}
    yield _counter("numen_market_fined_coins", "Coins of fines, by offence.", "offence", fined)
    drawn = {state: story.drawn[state] for state in _TICKETS}
    yield _counter("numen_market_tickets", "Tickets, by what became of them.", "state", drawn)
    faces = {state: story.faces[state] for state in _TICKETS}
    yield _counter("numen_market_ticket_coins", "Face values of tickets.", "state", faces)
    people = standing(story, market)
    for role in Role:
        mine = [p for p in people.values() if p.role == role.value and p.staked]
        name = f"numen_market_{role.value}"
        yield GaugeMetricFamily(f"{name}s", f"Those with a stake as {role.value}.", len(mine))
        stake = sum(person.staked for person in mine)
        yield GaugeMetricFamily(f"{name}_stake_coins", f"Coins at risk as {role.value}.", stake)
    if market is not None:
        pockets = {pocket.value: market.coins.in_pocket(pocket) for pocket in Pocket}
        yield _gauge("numen_market_coins", "All coins, by what they are for.", "pocket", pockets)


def of_ledger(chronicle: Chronicle) -> Iterator[Metric]:
    """The numbers of a ledger."""
    node = chronicle.node
    yield GaugeMetricFamily("numen_ledger_height", "Height of the last block.", node.ledger.height)
    yield CounterMetricFamily(
        "numen_ledger_transactions", "Transactions of blocks.", chronicle.transactions
    )
    yield CounterMetricFamily("numen_ledger_work", "Work units of messages.", chronicle.work)
    family = CounterMetricFamily(
        "numen_ledger_messages", "Messages handed over.", labels=["kind", "fate"]
    )
    for labels, count in sorted(chronicle.messages.items()):
        family.add_metric(labels, count)
    yield family
    failures = dict(chronicle.failures)
    yield _counter("numen_ledger_failures", "Messages that failed, by reason.", "reason", failures)
    waiting = {"pool": len(node.pool), "messages": chronicle.queued}
    yield _gauge("numen_ledger_queue", "What waits for a block.", "queue", waiting)


def of_chain(shown: Mapping[str, Any]) -> Iterator[Metric]:
    """The numbers of a development chain, as they are shown."""
    yield GaugeMetricFamily("numen_chain_height", "Height of the last block.", shown["height"])
    family = CounterMetricFamily(
        "numen_chain_transactions", "Transactions of blocks.", labels=["fate"]
    )
    for fate, count in shown["states"].items():
        family.add_metric([fate], count)
    yield family
    yield CounterMetricFamily("numen_chain_gas", "Gas of blocks.", shown["work"])
    yield GaugeMetricFamily("numen_chain_pool", "Transactions that wait.", shown["pool"])


def of_trust(graph: Mapping[str, Any]) -> Iterator[Metric]:
    """The numbers of a web of trust, as it is drawn."""
    circle = {"trusted": 0, "distrusted": 0}
    for node in graph["nodes"]:
        if node["role"] in circle:
            circle[node["role"]] += 1
    yield _gauge("numen_trust_nodes", "Other nodes, by the vote about them.", "verdict", circle)
    yield GaugeMetricFamily("numen_trust_edges", "Attestations that count.", graph["count"])


def of_bonds(bonds: Mapping[str, Any]) -> Iterator[Metric]:
    """What nodes that vote have at stake, and what was taken, as it is drawn."""
    coins = {name: bonds[name] for name in ("left", "rewarded", "burnt")}
    yield _gauge("numen_ledger_bond_coins", "Coins of bonds, by what became of them.", "to", coins)
    taken = sum(bond["loss"] is not None for bond in bonds["bonds"])
    yield GaugeMetricFamily("numen_ledger_bonds_taken", "Bonds that a lie took.", taken)


def of_process(traffic: Traffic | None, queues: Numbers, streams: int) -> Iterator[Metric]:
    """The numbers of any process: its channels, its queues, and who looks at it."""
    yield _gauge("numen_queue_depth", "What waits in a queue.", "queue", queues)
    yield GaugeMetricFamily("numen_watch_streams", "Pages that are open.", streams)
    if traffic is None:
        return
    yield GaugeMetricFamily("numen_channels", "Channels that are open.", traffic.channels)
    both = {"sent": traffic.bytes_sent, "heard": traffic.bytes_heard}
    yield _counter("numen_channel_bytes", "Bytes of frames on channels.", "direction", both)
    both = {"sent": traffic.frames_sent, "heard": traffic.frames_heard}
    yield _counter("numen_channel_frames", "Frames on channels.", "direction", both)


def _latency(story: Story) -> Metric:
    counts, total = story.latency.counts, 0
    buckets = []
    for top, count in zip((*BUCKETS_MS, None), counts, strict=True):
        total += count
        buckets.append((str(top / 1000) if top is not None else "+Inf", total))
    return HistogramMetricFamily(
        "numen_market_task_seconds",
        "From the bid to the closing of settled tasks.",
        buckets=buckets,
        sum_value=story.latency.sum_ms / 1000,
    )


def _gauge(name: str, about: str, label: str, values: Numbers) -> Metric:
    family = GaugeMetricFamily(name, about, labels=[label])
    for value, count in sorted(values.items()):
        family.add_metric([value], count)
    return family


def _counter(name: str, about: str, label: str, values: Numbers) -> Metric:
    family = CounterMetricFamily(name, about, labels=[label])
    for value, count in sorted(values.items()):
        family.add_metric([value], count)
    return family
