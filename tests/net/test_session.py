"""Messages: what is understood, what is refused and how, and at what pace."""

import asyncio
from typing import Annotated

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from numen.base.codec import encode
from numen.net.channel import Bounds
from numen.net.errors import ClosedError, MessageError
from numen.net.language import (
    Envelope,
    Kind,
    Language,
    Refusal,
    Spoken,
    read_refusal,
    write_refusal,
)
from numen.net.pace import Meter, Meters, Pace
from numen.net.session import REFUSALS_MAX, Heard, Session
from tests.net.fabric import joined, memory


class Ping(msgspec.Struct, frozen=True, array_like=True, tag="ping/1"):
    """A message of text."""

    text: Annotated[str, Meta(max_length=10_000)]


class Pong(msgspec.Struct, frozen=True, array_like=True, tag="pong/1"):
    """A message of a number."""

    number: int


class Louder(msgspec.Struct, frozen=True, array_like=True, tag="louder/2"):
    """A message that only the newer have."""

    text: str


OLD = Language({1: (Kind(Ping, 100), Kind(Pong, 100))})
NEW = Language({1: (Kind(Ping, 100),), 2: (Kind(Ping, 100), Kind(Louder, 100))})
NEWEST = Language({3: (Kind(Ping, 100),)})


def run(coroutine):
    asyncio.run(asyncio.wait_for(coroutine, 120))


def wire(version: int, value: msgspec.Struct) -> bytes:
    return version.to_bytes(2, "big") + encode(value)


def test_messages_and_their_answers():
    async def talk():
        async with joined(memory()) as ends:
            near, far = (Session(end, OLD) for end in ends)
            assert await near.send(Ping("a")) == 0
            assert await near.send(Ping("b")) == 1
            assert await far.receive() == Heard(0, Ping("a"), None, 1)
            heard = await far.receive()
            await far.send(Pong(5), answers=heard.number)
            assert await near.receive() == Heard(0, Pong(5), 1, 1)

    run(talk())


def test_who_is_older_says_what_it_speaks_and_is_spoken_to_so():
    async def talk():
        async with joined(memory()) as (one, other):
            new, old = Session(one, NEW), Session(other, OLD)
            assert new.version == 2
            await new.send(Ping("in version 2"))
            waiting = asyncio.create_task(old.receive())

            assert await new.receive() == Refusal(0, "version", (1,))
            assert new.version == 1
            await new.send(Ping("in version 1"))
            assert await waiting == Heard(1, Ping("in version 1"), None, 1)

    run(talk())


def test_who_has_no_version_in_common_learns_it_and_goes_on():
    async def talk():
        async with joined(memory()) as (one, other):
            newest, old = Session(one, NEWEST), Session(other, OLD)
            await newest.send(Ping("x"))
            waiting = asyncio.create_task(old.receive())

            assert await newest.receive() == Refusal(0, "version", (1,))
            assert newest.version == 3
            await newest.close()
            with pytest.raises(ClosedError):
                await waiting

    run(talk())


REFUSED = {
    "version": b"\x00\x09anything",
    "tag": wire(1, Envelope("unheard/1", None, b"")),
    "size": wire(1, Envelope("pong/1", None, bytes(101))),
    "malformed": wire(1, Envelope("ping/1", None, b"\x93")),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_is_not_understood_is_refused_by_its_number_and_the_rest_goes_on(reason):
    async def talk():
        async with joined(memory()) as (one, other):
            far, near = Session(other, OLD), Session(one, OLD)
            await near.send(Ping("first"))
            await one.send(REFUSED[reason])
            await one.send(wire(1, Envelope("ping/1", None, encode(Ping("third")))))

            assert (await far.receive()).value == Ping("first")
            assert (await far.receive()).number == 2
            assert await near.receive() == Refusal(1, reason, (1,))

    run(talk())


def test_refusals_are_not_refused():
    async def talk():
        async with joined(memory()) as (one, other):
            session = Session(other, OLD)
            await one.send(write_refusal(Refusal(7, "tag", (1, 2))))
            assert await session.receive() == Refusal(7, "tag", (1, 2))
            await one.send(b"\0\0\x93")
            with pytest.raises(MessageError):
                await session.receive()
            with pytest.raises(ClosedError):
                await one.receive()

    run(talk())


def test_who_says_only_nonsense_is_left():
    async def talk():
        async with joined(memory()) as (one, other):
            for _ in range(REFUSALS_MAX + 1):
                await one.send(b"\x00\x63")
            with pytest.raises(MessageError):
                await Session(other, OLD).receive()
            for number in range(REFUSALS_MAX):
                assert read_refusal(await one.receive()) == Refusal(number, "version", (1,))
            with pytest.raises(ClosedError):
                await one.receive()

    run(talk())


@pytest.mark.parametrize("value", [Ping("x" * 101), Louder("x"), Pong("no number")])
def test_what_no_version_has_is_not_sent(value):
    async def talk():
        async with joined(memory()) as (one, other):
            session = Session(one, OLD)
            with pytest.raises(MessageError):
                await session.send(value)
            assert await session.send(Ping("fine")) == 0
            assert (await Session(other, OLD).receive()).number == 0

    run(talk())


def test_a_sending_that_is_given_up_is_not_counted():
    small = Bounds(inbox_bytes_max=100)

    async def talk():
        async with joined(memory(), small, small) as (one, other):
            near, far = Session(one, OLD), Session(other, OLD)
            await near.send(Ping("a" * 80))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(near.send(Ping("lost")), 0.01)
            await far.receive()
            assert await near.send(Ping("b")) == 1
            assert await far.receive() == Heard(1, Ping("b"), None, 1)

    run(talk())


@given(frame=st.binary(max_size=300), version=st.sampled_from([b"", b"\0\1", b"\0\2"]))
def test_any_bytes_are_a_message_or_a_refusal(frame, version):
    found = NEW.read(version + frame, 3)

    if isinstance(found, Refusal):
        assert found.number == 3
        assert read_refusal(write_refusal(found)) == found
    else:
        assert NEW.write(found.version, found.value, found.answers) == version + frame


@given(text=st.text(max_size=20), answers=st.none() | st.integers(0, 2**63 - 1))
def test_what_is_written_is_read(text, answers):
    frame = NEW.write(2, Louder(text), answers)

    assert NEW.read(frame, 0) == Spoken(2, Louder(text), answers)


def test_who_is_over_its_pace_waits_and_loses_nothing():
    pace = Pace(messages_per_s=1e9, messages_burst=1e9, bytes_per_s=1e9, bytes_burst=5)
    meters = Meters(pace)

    async def talk():
        async with joined(memory()) as (one, other):
            near = Session(one, OLD)
            for number in range(5):
                await near.send(Ping(str(number)))
            session = Session(other, OLD, meters)
            texts = [(await session.receive()).value.text for _ in range(5)]
            assert texts == list("01234")

    run(talk())


def test_the_long_run_is_bounded_whatever_the_bursts():
    pace = Pace(messages_per_s=10, messages_burst=20, bytes_per_s=1000, bytes_burst=5000)
    meter, now, messages = Meter(pace, 0.0), 0.0, 0
    while now < 100:
        now += meter.wait_s(now) + 1e-9
        meter.spend(10, now)
        messages += 1
    assert 1000 <= messages <= 1000 + 20 + 2

    meter, now, sent = Meter(pace, 0.0), 0.0, 0
    while now < 100:
        now += meter.wait_s(now) + 1e-9
        meter.spend(2_000, now)
        sent += 2_000
    assert 100_000 <= sent <= 100_000 + 5_000 + 2 * 2_000


def test_a_node_that_dials_again_has_the_same_meter():
    meters = Meters(peers_max=2)
    first = meters.of(b"a", 0.0)
    first.spend(1 << 30, 0.0)
    meters.of(b"b", 0.0)

    assert meters.of(b"a", 0.0) is first
    meters.of(b"c", 0.0)
    assert meters.of(b"a", 0.0) is first
    assert meters.of(b"b", 0.0).wait_s(0.0) == 0
