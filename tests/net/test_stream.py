"""How frames are cut from a stream of bytes, whatever pieces it comes in."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from numen.base.codec import encode
from numen.net.channel import Bounds, Hello
from numen.net.errors import ChannelError
from numen.net.stream import StreamChannel

HELLO = encode(Hello("", 1 << 20, bytes(32)))


class Wire(asyncio.Transport):
    """The end of a stream that keeps what is written to it, and hands over only when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.is_paused = self.is_over = False
        self.written = b""

    def set_write_buffer_limits(self, high=None, low=None):
        pass

    def write(self, data):
        self.written += data

    def pause_reading(self):
        self.is_paused = True

    def resume_reading(self):
        self.is_paused = False

    def is_closing(self):
        return self.is_over

    def close(self):
        self.is_over = True

    abort = close


def framed(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


async def feed(data: bytes, cuts: list[int], bounds: Bounds) -> list[bytes | str]:
    """Give a channel a stream in pieces, reading as slowly as can be; what is read, and the end."""
    wire, channel = Wire(), StreamChannel(bounds)
    channel.connection_made(wire)
    ends = sorted(cut % (len(data) + 1) for cut in cuts)
    pieces = [data[a:b] for a, b in zip([0, *ends], [*ends, len(data)], strict=True)]
    found: list[bytes | str] = []

    async def take() -> bool:
        if found and isinstance(found[-1], str):
            return False
        reading = asyncio.ensure_future(channel.receive())
        await asyncio.sleep(0)
        if not reading.done():
            reading.cancel()
            await asyncio.sleep(0)
            return False
        try:
            found.append(reading.result())
        except ChannelError as error:
            found.append(type(error).__name__)
            return False
        if len(found) == 1:
            channel.establish(b"\1" * 32, b"\2" * 32, 1 << 20)
        return True

    for piece in pieces:
        while wire.is_paused and await take():
            pass
        if wire.is_over:
            break
        channel.data_received(piece)
    while await take():
        pass
    channel.connection_lost(None)
    await take()
    return found


@given(
    frames=st.lists(st.binary(max_size=40), max_size=12),
    cuts=st.lists(st.integers(0, 1000), max_size=12),
    inbox=st.sampled_from([1, 100, 10_000]),
)
def test_pieces_do_not_matter(frames, cuts, inbox):
    data = b"".join(map(framed, [HELLO, *frames]))
    found = asyncio.run(feed(data, cuts, Bounds(inbox_bytes_max=inbox)))

    assert found == [HELLO, *(frame for frame in frames if frame), "ClosedError"]


@given(data=st.binary(max_size=200), cuts=st.lists(st.integers(0, 300), max_size=5))
def test_any_bytes_are_frames_or_an_end(data, cuts):
    bounds = Bounds(frame_bytes_max=50, inbox_bytes_max=100)
    found = asyncio.run(feed(framed(HELLO) + data, cuts, bounds))

    assert found[0] == HELLO
    assert all(isinstance(each, bytes) and 0 < len(each) <= 50 for each in found[1:-1])


def test_who_asks_too_late_when_it_ends_is_told_at_once():
    """Else a listener would count a channel that ended while it was being greeted for ever."""

    async def talk():
        channel, calls = StreamChannel(Bounds()), []
        channel.connection_made(Wire())
        channel.connection_lost(None)
        channel.when_lost(lambda: calls.append("told"))
        assert calls == ["told"]

    asyncio.run(talk())
