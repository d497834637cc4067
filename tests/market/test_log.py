"""The log: written once, read with suspicion, and asked why."""

import json
from functools import cache

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.base.errors import NumenError
from numen.market import events, log
from numen.market.log import FORMAT, LogError, lines, parse
from numen.market.task import Quorum
from numen.market.ticket import WIN_ONE
from numen.market.why import AmbiguousIdError, UnknownIdError, explain
from numen.market.worker import Behaviour, Profile
from tests.market.town import COLLATZ, Job, build


@cache
def run(seed: int = 1):
    town = build(seed)
    list(town.play.run())
    names = {k.address.hex(): f"worker-{i}" for i, k in enumerate(town.workers)}
    names[town.provider.address.hex()] = "provider"
    return town, parse(b"".join(lines(seed, names, town.play.log)))


RAW = b"".join(lines(1, {}, run()[0].play.log))


def test_a_log_survives_the_disk():
    town, read = run()

    assert read.events == tuple(town.play.log)
    assert read.header.seed == 1
    assert b"".join(lines(1, read.header.names, read.events)) != RAW, "names are part of it"


def test_every_line_is_json_that_others_can_read():
    rows = [json.loads(row) for row in RAW.splitlines()]

    assert rows[0] == {"format": FORMAT, "seed": 1, "names": {}}
    assert {row["event"] for row in rows[1:]} >= {"posted", "matched", "slashed", "drawn"}


BAD = {
    "nothing": b"",
    "a cut line": RAW[:-5],
    "no header": RAW.split(b"\n", 1)[1],
    "another format": b'{"format":"x","seed":1}\n',
    "an unknown event": RAW + b'{"event":"stolen","at_ms":1}\n',
    "a field too many": RAW
    + b'{"event":"voted","at_ms":1,"task":"","verifier":"","claim":"","x":1}\n',
    "a negative amount": RAW + b'{"event":"called","at_ms":1,"owner":"","verb":"","amount":-1}\n',
    "an id that is no hexadecimal": RAW
    + b'{"event":"voted","at_ms":1,"task":"zz","verifier":"","claim":""}\n',
    "no JSON": RAW + b"event\n",
    "not UTF-8": RAW + b'{"event":"\xff"}\n',
    "deep nesting": RAW + b"[" * 100_000 + b"\n",
    "an empty line": RAW + b"\n",
    "an event where the header should be": b'{"event":"voted"}\n',
}


@pytest.mark.parametrize("raw", BAD.values(), ids=BAD)
def test_what_is_no_log_is_refused_at_its_line(raw):
    with pytest.raises(LogError) as caught:
        parse(raw, "a.log")
    assert caught.value.place is None or caught.value.place.file == "a.log"


def test_the_line_that_is_wrong_is_named():
    rows = RAW.splitlines(keepends=True)
    rows[6] = b"{}\n"
    with pytest.raises(LogError) as caught:
        parse(b"".join(rows), "a.log")
    assert (caught.value.place.file, caught.value.place.line) == ("a.log", 7)


def test_lines_and_logs_are_bounded(monkeypatch):
    monkeypatch.setattr(log, "LINE_MAX_BYTES", 10)
    with pytest.raises(LogError, match="too long"):
        parse(RAW)
    monkeypatch.setattr(log, "SIZE_MAX_BYTES", len(RAW) - 1)
    with pytest.raises(LogError, match="at most"):
        parse(RAW)


@given(place=st.integers(0, len(RAW) - 1), mask=st.integers(1, 255))
def test_a_changed_byte_is_another_log_or_none(place, mask):
    changed = bytearray(RAW)
    changed[place] ^= mask
    try:
        again = parse(bytes(changed))
    except LogError:
        return
    for event in again.events[:3]:
        assert event.at_ms >= 0


@given(raw=st.binary(max_size=200))
def test_junk_is_no_log(raw):
    with pytest.raises(LogError):
        parse(raw)


def all_ids():
    _, read = run()
    return sorted(log.ids(read.events).items())


def test_everything_in_a_log_can_be_explained():
    _, read = run()
    kinds = set()
    for identity, kind in all_ids():
        sentences = explain(read, identity)
        assert len(sentences) >= 2, (identity, kind)
        assert identity in sentences[0]
        kinds.add(kind)
    assert kinds == {"task", "worker", "provider", "verifier", "ticket", "receipt", "message"}


def test_ids_may_be_shortened_and_people_called_by_name():
    _, read = run()
    whole = next(identity for identity, kind in all_ids() if kind == "task")

    assert explain(read, whole[:16]) == explain(read, whole) == explain(read, "0x" + whole.upper())
    assert "worker-1" in explain(read, "worker-1")[0]


def test_ids_that_fit_nothing_or_too_much_say_so():
    _, read = run()
    for identity in ("", "abc", "0x", "g" * 64, "00" * 32):
        with pytest.raises(UnknownIdError):
            explain(read, identity)
    twins = msgspec.structs.replace(
        read,
        events=(
            events.Voted(1, "abcdef01", "aa" * 20, "bb" * 32),
            events.Voted(1, "abcdef02", "aa" * 20, "bb" * 32),
        ),
    )
    with pytest.raises(AmbiguousIdError, match="2 things"):
        explain(twins, "abcdef")


@given(identity=st.text(max_size=70))
def test_any_question_has_an_answer_or_a_typed_error(identity):
    _, read = run()
    try:
        sentences = explain(read, identity)
    except NumenError:
        return
    assert sentences


def only(event_type, **fields):
    _, read = run()
    return next(
        e
        for e in read.events
        if isinstance(e, event_type) and all(getattr(e, f) == v for f, v in fields.items())
    )


def test_why_a_liar_was_fined():
    _, read = run()
    event = only(events.Slashed, outcome="wrong answer")
    text = "\n".join(explain(read, event.worker))

    assert "for wrong answer" in text
    assert "that ran the task again signed" in text
    assert f"lost {event.reward + event.burnt:,} of its pledge of {event.pledge:,}" in text


def test_a_liar_is_convicted_by_the_evidence_and_not_by_the_logs_own_words():
    _, read = run()
    event = only(events.Slashed, outcome="wrong answer")
    hollow = msgspec.structs.replace(event, evidence="00")
    text = "\n".join(explain(msgspec.structs.replace(read, events=(hollow,)), event.task))

    assert "the evidence in the log cannot be read" in text


def test_why_a_ticket_did_not_win():
    _, read = run()
    event = only(events.Drawn, won=False)
    text = "\n".join(explain(read, event.ticket))

    assert "did not win" in text
    assert f"one in {-(-WIN_ONE // int(event.win_prob, 16))}" in text
    assert event.draw[:10] in text


def test_why_a_message_was_refused():
    _, read = run()
    event = only(events.Refused, kind="result")
    assert event.reason in "\n".join(explain(read, event.message))


def test_why_nobody_worked_on_a_task():
    people = tuple(Profile(Behaviour.HONEST, price_per_million=9_000_000) for _ in range(2))
    town = build(6, [Job(COLLATZ, b"\x1b", Quorum(3, 4), bid=60, price_max=100)], people)
    happened = list(town.play.run())
    read = parse(b"".join(lines(6, {}, happened)))
    asks = sorted(e.ask for e in happened if isinstance(e, events.Offered))
    (posted,) = (e for e in happened if isinstance(e, events.Posted))
    text = "\n".join(explain(read, posted.task))

    assert len(asks) == 2
    assert "Nobody worked on it: it bid 100 coins at most, and 2 workers asked for more." in text
    assert f"seats: {asks[0]:,} for 1, {asks[1]:,} for 2." in text
    assert "Closed (expired)" in text
