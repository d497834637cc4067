"""What is shown of a market: a pure function of its story, its state, and who watches.

A view is made of sections, each a value that JSON can write; what is long is cut. Names and reasons
of strangers are in it as they are: who shows them shows them as text.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

import msgspec
from msgspec import structs

from numen.base.errors import NumenError
from numen.market import events, why
from numen.market.coins import Ledger, Pocket
from numen.market.log import FORMAT, Header, Log
from numen.market.stake import stake_of
from numen.market.turn import Market
from numen.watch.story import BUCKETS_MS, Person, Story, Task
from numen.watch.trust import of_verdicts

TASKS_SHOWN: Final = 60
"""Most tasks of a view, those that live first."""

PEOPLE_SHOWN: Final = 120
"""Most accounts of a view, those with the most at risk first."""

SLASHES_SHOWN: Final = 40
"""Most fines of a view, the newest first."""

FEED_SHOWN: Final = 60
"""Most sentences of a view, the newest first."""

FEED_READ: Final = 600
"""Most events that are looked through for them."""

WORDS_MAX: Final = 400
"""Longest sentence of a view; what is longer is cut."""

SEATS_SHOWN: Final = 24
"""Most seats of a task in a view."""

_QUIET: Final = (events.Drawn, events.Declined, events.Executed)
"""What is in no feed: there is too much of it, and the tasks and tickets show it."""


class About(msgspec.Struct, frozen=True):
    """Who watches what.

    Attributes:
        kind: ``market`` or ``ledger``.
        role: ``hall``, ``verifier``, ``worker``, ``log`` or ``node``.
        title: What it is called.
        account: Who watches, in hexadecimal, or empty.
        born_ms: What times count from, in milliseconds since 1970; 0 where they are logical.
        names: What people are called, by address in hexadecimal.
        ask: How to ask why on the command line, of ``ID``; empty where it cannot be asked.
        place: How commands name the market, or where the node is; empty where it is neither.
    """

    kind: str
    role: str
    title: str
    account: str = ""
    born_ms: int = 0
    names: Mapping[str, str] = {}
    ask: str = ""
    place: str = ""


def sections(story: Story, about: About, market: Market | None) -> dict[str, Any]:
    """Everything that is shown of a market, by section.

    Args:
        story: What happened.
        about: Who watches.
        market: Its state, where it is known: a log does not have it.

    Cost: linear in what is shown, in the tasks that live, and in the coins' accounts.
    """
    people = standing(story, market)
    return {
        "about": about,
        "totals": _totals(story, people),
        "tasks": [_task(task) for task in _shown(story)],
        "people": _people(people, _pledged(story, market)),
        "slashes": list(_slashes(story, about.names)),
        "feed": _feed(story, about.names),
        "tickets": {
            "counts": dict(story.drawn),
            "faces": dict(story.faces),
            "last": list(story.tickets.values()),
        },
        "coins": coins(market.coins) if market is not None else None,
        "trust": of_verdicts(story),
        "latency": {
            "tops_ms": BUCKETS_MS,
            "counts": story.latency.counts,
            "mean_ms": story.latency.sum_ms // max(1, story.latency.count),
        },
    }


def explained(story: Story, about: About, identity: str) -> list[str]:
    """Why something went as it did, from the events that are remembered.

    Raises:
        WhyError: They have nothing of this id, or several things.
    """
    log = Log(Header(FORMAT, 0, dict(about.names)), tuple(story.recent))
    return [sentence[:WORDS_MAX] for sentence in why.explain(log, identity)]


def coins(ledger: Ledger) -> dict[str, Any]:
    """All coins by what they are set aside for, and each owner's."""
    pockets = {pocket.value: 0 for pocket in Pocket}
    owners: dict[bytes, dict[str, int]] = {}
    for account, held in ledger.balances.items():
        pockets[account.pocket.value] += held
        if account.pocket is not Pocket.BURNT:
            mine = owners.setdefault(account.owner, {})
            mine[account.pocket.value] = mine.get(account.pocket.value, 0) + held
    richest = sorted(owners.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    return {
        "total": sum(pockets.values()),
        "pockets": pockets,
        "owners": [{"id": owner.hex(), **mine} for owner, mine in richest[:PEOPLE_SHOWN]],
    }


def standing(story: Story, market: Market | None) -> dict[str, Person]:
    """Everybody, by address: as the events told, and where the state is known, as it has them.

    Who came late has a snapshot of the state, and none of the events before it.
    """
    if market is None:
        return story.people
    pledged = _pledged(story, market)
    found = {name: structs.replace(each, staked=0) for name, each in story.people.items()}
    for owner, staker in market.stakes.stakers.items():
        name = owner.hex()
        known, score = found.get(name, Person()), market.standing(owner)
        found[name] = structs.replace(
            known,
            role=staker.role.value,
            staked=market.coins.balance(stake_of(owner)) + pledged[name],
            scores=known.scores or [score.score],
            accepted=score.accepted,
            faults=max(score.faults, known.faults),
        )
    return found


def _pledged(story: Story, market: Market | None) -> Counter[str]:
    """Coins that are bound to tasks, by worker."""
    pledged = Counter[str]()
    if market is not None:
        for (_, account), amount in market.stakes.bound.items():
            pledged[account.hex()] += amount
        return pledged
    for task in story.live.values():
        for worker, seat in task.seats.items():
            if seat.matched_ms and not seat.outcome:
                pledged[worker] += seat.pledge
    return pledged


def _totals(story: Story, people: dict[str, Person]) -> dict[str, int]:
    """The numbers that a glance should give."""
    staked = [person for person in people.values() if person.staked]
    return {
        "now_ms": story.now_ms,
        "live": len(story.live),
        "settled": story.ends["settled"],
        "unsettled": sum(story.ends.values()) - story.ends["settled"],
        "workers": sum(person.role == "worker" for person in staked),
        "verifiers": sum(person.role == "verifier" for person in staked),
        "staked": sum(person.staked for person in staked),
        "slashes": sum(story.fines.values()),
        "slashed": sum(story.fined.values()),
        "resold": story.resold,
        "paid": story.paid,
    }


def _shown(story: Story) -> Iterator[Task]:
    living = list(story.live.values())[-TASKS_SHOWN:]
    yield from reversed(living)
    room = TASKS_SHOWN - len(living)
    yield from list(reversed(story.done))[:room]


def _task(task: Task) -> dict[str, Any]:
    shown: dict[str, Any] = structs.asdict(task)
    seats = sorted(task.seats.items(), key=lambda item: not item[1].matched_ms)[:SEATS_SHOWN]
    shown["seats"] = [{"worker": worker, **structs.asdict(seat)} for worker, seat in seats]
    shown["contests"] = [
        {"challenger": who, **structs.asdict(contest)} for who, contest in task.contests.items()
    ]
    shown["note"], shown["policy"] = task.note[:WORDS_MAX], task.policy[:WORDS_MAX]
    return shown


def _people(people: dict[str, Person], pledged: Counter[str]) -> list[dict[str, Any]]:
    order = {"verifier": 0, "worker": 1, "provider": 2}
    known = sorted(people.items(), key=lambda item: (order.get(item[1].role, 3), -item[1].staked))
    return [
        {"id": address, **structs.asdict(person), "pledged": pledged[address]}
        for address, person in known[:PEOPLE_SHOWN]
    ]


def _slashes(story: Story, names: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    sentences = {
        (event.task, event.worker, event.at_ms): event
        for event in story.recent
        if isinstance(event, events.Slashed)
    }
    for found in list(reversed(story.slashes))[:SLASHES_SHOWN]:
        whole = sentences.get((found.task, found.worker, found.at_ms), found)
        yield {
            "at_ms": found.at_ms,
            "task": found.task,
            "worker": found.worker,
            "outcome": found.outcome,
            "pledge": found.pledge,
            "lost": found.reward + found.burnt,
            "reward": found.reward,
            "burnt": found.burnt,
            "reporter": found.reporter,
            "said": _said(names, whole),
        }


def _feed(story: Story, names: Mapping[str, str]) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = []
    for event in islice(reversed(story.recent), FEED_READ):
        if isinstance(event, _QUIET) or why.is_still(event):
            continue
        said = _said(names, event)
        if shown and shown[-1]["said"] == said:
            shown[-1]["times"] += 1
            continue
        if len(shown) == FEED_SHOWN:
            break
        shown.append(
            {
                "at_ms": event.at_ms,
                "kind": type(event).__name__.lower(),
                "task": getattr(event, "task", ""),
                "who": getattr(event, "worker", "") or getattr(event, "provider", ""),
                "said": said,
                "times": 1,
            }
        )
    return shown


def _said(names: Mapping[str, str], event: events.Event) -> str:
    try:
        return why.tell(dict(names), event)[:WORDS_MAX]
    except NumenError as error:
        return error.message[:WORDS_MAX]
