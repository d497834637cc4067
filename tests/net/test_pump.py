"""A stream of coroutines is pumped as a socket would be: whole, in order, not while it waits."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.net.pump import Pump


class Half:
    """One direction of a stream in memory, with room for so many bytes."""

    def __init__(self, room: int) -> None:
        self.room, self.data = room, bytearray()
        self.is_finished = self.is_over = False
        self.changed = asyncio.Condition()

    async def until(self, condition) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: self.is_over or condition())
        if self.is_over:
            raise ConnectionResetError("it was cut")

    async def tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()


class End:
    """One end of a stream in memory: what is pumped."""

    def __init__(self, coming: Half, going: Half) -> None:
        self.coming, self.going = coming, going

    async def read(self, size_max: int) -> bytes:
        await self.coming.until(lambda: self.coming.data or self.coming.is_finished)
        found = bytes(self.coming.data[:size_max])
        del self.coming.data[: len(found)]
        await self.coming.tell()
        return found

    async def write(self, data: bytes) -> None:
        for byte in data:
            await self.going.until(lambda: len(self.going.data) < self.going.room)
            self.going.data.append(byte)
            await self.going.tell()

    async def finish(self) -> None:
        self.going.is_finished = True
        await self.going.tell()
        await self.going.until(lambda: not self.going.data)

    async def end(self) -> None:
        for half in (self.coming, self.going):
            half.is_over = True
            await half.tell()


class Heard(asyncio.Protocol):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.data, self.told = b"", []
        self.lost = asyncio.Event()

    def connection_made(self, transport):
        transport.set_write_buffer_limits(high=8)

    def data_received(self, data):
        self.data += data

    def pause_writing(self):
        self.told.append("wait")

    def resume_writing(self):
        self.told.append("go on")

    def connection_lost(self, exc):
        self.told.append(exc and str(exc))
        self.lost.set()


def pair(room: int):
    one, other = Half(room), Half(room)
    hears = Heard(), Heard()
    ends = End(one, other), End(other, one)
    return tuple(Pump(end, heard) for end, heard in zip(ends, hears, strict=True)), hears


def run(coroutine):
    asyncio.run(asyncio.wait_for(coroutine, 20))


async def settle():
    for _ in range(400):
        await asyncio.sleep(0)


@given(pieces=st.lists(st.binary(max_size=30), max_size=8), room=st.integers(1, 50))
@settings(max_examples=30)
def test_what_is_written_before_the_end_arrives(pieces, room):
    async def talk():
        (near, _), (here, there) = pair(room)
        for piece in pieces:
            near.write(piece)
        near.close()
        near.write(b"too late")
        await here.lost.wait()
        await there.lost.wait()
        assert there.data == b"".join(pieces)
        assert here.told[-1] is None
        assert [each for each in here.told if each][::2] == ["wait"] * here.told.count("wait")

    run(talk())


def test_nothing_is_read_while_reading_is_paused_and_the_other_side_waits():
    async def talk():
        (near, far), (here, there) = pair(5)
        far.pause_reading()
        await settle()
        near.write(bytes(100))
        await settle()
        assert there.data == b""
        assert here.told == ["wait"]
        far.resume_reading()
        await settle()
        await settle()
        assert there.data == bytes(100)
        assert here.told == ["wait", "go on"]
        near.abort()
        await there.lost.wait()

    run(talk())


def test_an_end_is_told_once_whoever_makes_it():
    async def talk():
        (near, far), (here, there) = pair(5)
        far.pause_reading()
        near.write(bytes(100))
        await settle()
        near.close()
        near.abort()
        near.abort()
        await here.lost.wait()
        far.write(b"x")
        await there.lost.wait()
        await settle()
        assert here.told == ["wait", None]
        assert there.told == ["it was cut"]
        assert near.is_closing()
        assert far.is_closing()

    run(talk())


@pytest.mark.parametrize("moment", [0, 1, 5])
def test_who_finishes_is_finished_with(moment):
    async def talk():
        (near, far), (here, there) = pair(5)
        for _ in range(moment):
            await asyncio.sleep(0)
        near.close()
        far.close()
        await here.lost.wait()
        await there.lost.wait()
        assert None in here.told + there.told
        assert len(here.told + there.told) == 2

    run(talk())
