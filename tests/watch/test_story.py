"""A story is a fold of events: it agrees with the market, forgets in bounds, and never stumbles."""

import asyncio

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.market import events, log
from numen.market.coins import Pocket
from numen.watch import market, story
from numen.watch.market import About
from numen.watch.story import Story
from tests.watch.watched import EVENTS, HOSTILE, happened, played, source_of

SEEDS = range(3)


def heard(found) -> Story:
    made = Story()
    made.hear(found)
    return made


@pytest.mark.parametrize("seed", SEEDS)
def test_stakes_that_events_tell_are_those_that_coins_show(seed):
    town = played(seed)
    coins = town.play.market.coins
    at_risk = coins.in_pocket(Pocket.STAKE) + coins.in_pocket(Pocket.PLEDGE)

    made = heard(happened(town))

    assert sum(person.staked for person in made.people.values()) == at_risk


@pytest.mark.parametrize("seed", SEEDS)
def test_fines_scores_and_ends_are_those_of_the_market(seed):
    town = played(seed)
    made = heard(happened(town))
    slashed = [event for event in town.play.log if isinstance(event, events.Slashed)]
    closed = [event for event in town.play.log if isinstance(event, events.Closed)]

    assert slashed
    assert sum(made.fined.values()) == sum(event.reward + event.burnt for event in slashed)
    assert sum(made.ends.values()) == len(closed) == made.ends["settled"] + made.ends["failed"]
    for worker, standing in town.play.market.standings.items():
        assert made.people[worker.hex()].scores[-1] == standing.score
        assert made.people[worker.hex()].faults == standing.faults
    assert made.paid == sum(event.paid for event in closed)
    assert sum(each.earned for each in made.people.values()) == (
        made.paid + sum(event.fee for event in closed) + sum(event.reward for event in slashed)
    )
    assert not made.live
    assert {task.id for task in made.done} == {event.task for event in closed}


def test_what_is_shown_names_the_liar_and_says_why():
    town = played()
    shown = source_of(happened(town)).sections()
    liar = town.workers[1].address.hex()

    (fine, *_) = [each for each in shown["slashes"] if each["worker"] == liar]

    assert fine["outcome"] == "wrong answer"
    assert "that ran the task again signed" in fine["said"]
    (person,) = [each for each in shown["people"] if each["id"] == liar]
    assert person["slashes"] >= 1
    assert person["lost"] >= fine["lost"] > 0
    bad = {edge["to"] for edge in shown["trust"]["edges"] if edge["bad"]}
    assert liar in bad
    assert any(
        "wrong answer" in said for said in asyncio.run(source_of(happened(town)).explained(liar))
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_who_came_late_sees_the_same_people_as_the_state_has_them(seed):
    town = played(seed)
    state = town.play.market

    late = market.standing(Story(), state)
    early = market.standing(heard(happened(town)), state)
    told = heard(happened(town)).people

    staked = {name for name, person in told.items() if person.staked}
    assert set(late) == staked
    for name in staked:
        shown = {
            (each.role, each.staked, *(each.scores[-1:] or [0]))
            for each in (late[name], early[name])
        }
        assert shown == {(told[name].role, told[name].staked, *(told[name].scores[-1:] or [0]))}


def test_the_coins_that_are_shown_are_all_there_are():
    town = played()
    shown = market.coins(town.play.market.coins)

    assert shown["total"] == sum(shown["pockets"].values()) == town.play.market.coins.total()
    assert shown["pockets"]["burnt"] > 0


def test_hearing_in_pieces_is_hearing_at_once():
    found = happened(played())
    pieces = Story()
    for each in found:
        pieces.hear([each])

    about = About("market", "log", "log")
    whole = market.sections(heard(found), about, None)
    assert msgspec.json.encode(market.sections(pieces, about, None)) == msgspec.json.encode(whole)


# What a hostile log may hold. --------------------------------------------------------------------


@given(st.lists(EVENTS, max_size=40))
def test_no_log_makes_it_stumble(found):
    read = [msgspec.json.decode(msgspec.json.encode(each), type=events.Event) for each in found]
    source = source_of(read)

    assert msgspec.json.encode(source.sections())
    assert source.metrics()
    assert sum(source.story.kinds.values()) == len(read)


def test_a_contest_is_followed_to_the_step_where_both_part():
    task, worker, other = "aa" * 32, "bb" * 20, "cc" * 20
    made = heard(
        [
            events.Posted(1, task, "dd" * 20, "ee" * 20, task, "optimistic", 5, 5, 1, 99),
            events.Matched(2, task, worker, 5, 50, 9, 9),
            events.Revealed(3, task, worker, task, 7),
            events.Claimed(4, task, worker, task, 1000, 50),
            events.Challenged(5, task, worker, other, 50, 60),
            events.Halved(6, task, other, 500, 1000, 70),
            events.Halved(7, task, other, 750, 1000, 80),
        ]
    )
    assert made.live[task].state == "contested"
    contest = made.live[task].contests[other]
    assert (contest.low, contest.high, contest.rounds) == (750, 1000, 2)

    made.hear([events.Decided(8, task, worker, other, "challenger", "one step differs", 812, 9)])

    assert (contest.low, contest.high, contest.winner) == (812, 813, "challenger")
    assert set(made.live[task].seats) == {worker}


def test_the_end_of_a_log_is_read_without_the_rest(tmp_path):
    found = happened(played())
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(log.lines(0, {}, found)) + b'{"event":"posted","at')

    with path.open("rb") as file:
        assert list(log.tail(file, 1 << 30)) == found
    with path.open("rb") as file:
        end = list(log.tail(file, 5_000))
    assert 0 < len(end) < len(found)
    assert end == found[-len(end) :]


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(story, "LIVE_MAX", 3)
    monkeypatch.setattr(story, "PEOPLE_MAX", 4)
    monkeypatch.setattr(story, "EVENTS_MAX", 20)
    monkeypatch.setattr(story, "EVENTS_BYTES_MAX", 100)
    monkeypatch.setattr(story, "TICKETS_MAX", 5)
    made = Story()
    for i in range(50):
        task = i.to_bytes(32, "big").hex()
        who = i.to_bytes(20, "big").hex()
        made.hear(
            [
                events.Posted(i, task, who, who, task, "quorum", 1, 1, 1, 1),
                events.Redeemed(i, task, who, who, 5),
                events.Slashed(i, task, who, "wrong answer", 9, who, 4, 4, "ff" * 30),
            ]
        )

    assert len(made.live) == 3
    assert len(made.people) == 4
    assert len(made.tickets) == 5
    assert len(made.recent) <= 20
    assert sum(len(e.evidence) for e in made.recent if isinstance(e, events.Slashed)) <= 100
    assert made.kinds["posted"] == made.drawn["paid"] == made.fines["wrong answer"] == 50


def test_long_texts_are_cut_and_nothing_is_made_of_markup():
    town = played()
    liar = town.workers[1].address.hex()
    shown = source_of(happened(town), names={liar: HOSTILE * 50}).sections()

    assert all(len(each["said"]) <= market.WORDS_MAX for each in shown["feed"])
    assert shown["about"].names[liar] == HOSTILE * 50
