"""What strangers may try against an endpoint, and other answers than a node's."""

import asyncio
import socket
from contextlib import asynccontextmanager

import pytest

from numen.base.codec import encode
from numen.net.address import parse_quic
from numen.net.channel import Bounds, Hello, everybody
from numen.net.errors import (
    AddressError,
    ChannelError,
    ClosedError,
    FrameError,
    RefusedError,
    TimedOutError,
    UnreachableError,
    WrongPeerError,
)
from tests.net.fabric import ALICE, BOB, CAROL, MALLORY, WAN, joined, listening, quic
from tests.net.relay import relaying

pytestmark = [*WAN]
iroh = pytest.importorskip("iroh", reason="needs the extra wan")

QUICK = Bounds(handshake_s=0.5, idle_s=0.3, send_s=0.3, close_s=0.2)
HELLO = encode(Hello("", 1 << 20, bytes(32)))
ALPN = b"numen/1"


def framed(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def run(coroutine):
    asyncio.run(asyncio.wait_for(coroutine, 30))


def transport(key, bounds=None):
    return quic().make(key, bounds or Bounds())


@asynccontextmanager
async def endpoint(key, alpns=(), at="127.0.0.1:0"):
    """An endpoint of the library's, with which anything can be done."""
    builder = iroh.EndpointBuilder()
    builder.apply_minimal()
    builder.secret_key(key.private_key().private_bytes_raw())
    builder.alpns(list(alpns))
    builder.bind_addr(at)
    made = await builder.bind()
    try:
        yield made
    finally:
        await asyncio.wait_for(made.close(), 5)


def there(address: str, key=BOB):
    found = parse_quic(address)
    return iroh.EndpointAddr(
        iroh.EndpointId.from_bytes(key.id), None, [f"{found.host}:{found.port}"]
    )


@asynccontextmanager
async def by_hand(address: str, key=ALICE, alpn=ALPN):
    """A connection to Bob, past which anything can be sent: it, and its stream's directions."""
    async with endpoint(key) as made:
        connection = await made.connect(there(address), alpn)
        stream = await connection.open_bi()
        yield connection, stream.send(), stream.recv()
        connection.close(0, b"")


async def is_cut(connection) -> bool:
    await asyncio.wait_for(connection.closed(), 5)
    return True


async def nobody_comes(listener) -> bool:
    try:
        await asyncio.wait_for(listener.accept(), 0.1)
    except TimeoutError:
        return True
    return False


def test_who_says_hello_by_hand_has_a_channel():
    async def talk():
        async with listening(quic()) as bob, by_hand(bob.address) as (_, sending, receiving):
            await sending.write_all(framed(HELLO) + framed(b"in the same breath"))
            channel = await bob.accept()
            assert channel.peer == ALICE.id
            assert await channel.receive() == b"in the same breath"
            await channel.send(b"back")
            heard = b""
            while not heard.endswith(framed(b"back")):
                heard += await receiving.read(1000)
            await channel.close()

    run(talk())


@pytest.mark.parametrize("said", [b"", framed(b""), framed(b"hello"), bytes(200), b"\xff" * 4])
def test_another_hello_is_cut(said):
    async def talk():
        async with listening(quic(), QUICK) as bob:
            async with by_hand(bob.address) as (connection, sending, _):
                if said:
                    await sending.write_all(said)
                assert await is_cut(connection)
            assert await nobody_comes(bob)

    run(talk())


def test_who_opens_no_stream_does_not_keep_others_out_for_long():
    bounds = Bounds(handshake_s=0.5, handshakes_per_host_max=1, close_s=0.1)

    async def talk():
        async with listening(quic(), bounds) as bob, endpoint(ALICE) as alice:
            idle = await alice.connect(there(bob.address), ALPN)
            with pytest.raises(UnreachableError):
                await transport(CAROL).dial(bob.address, BOB.id)
            assert await is_cut(idle)
            near = await transport(CAROL).dial(bob.address, BOB.id)
            await near.close()

    run(talk())


def test_addresses_that_are_forged_cost_nobody_else_a_handshake():
    """The first packet of a dialler, sent again from other addresses, which never answer."""

    async def talk():
        bounds = Bounds(handshakes_max=1, handshakes_per_host_max=1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tap:
            tap.bind(("127.0.0.1", 0))
            tap.setblocking(False)
            async with endpoint(MALLORY) as mallory, listening(quic(), bounds) as bob:
                where = iroh.EndpointAddr(
                    iroh.EndpointId.from_bytes(BOB.id), None, [f"127.0.0.1:{tap.getsockname()[1]}"]
                )
                dialling = asyncio.create_task(mallory.connect(where, ALPN))
                first = await asyncio.get_running_loop().sock_recv(tap, 2000)
                dialling.cancel()
                found = parse_quic(bob.address)
                for number in range(2, 40):
                    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as forger:
                        forger.bind((f"127.0.0.{number}", 0))
                        forger.sendto(first, (found.host, found.port))
                near = await transport(ALICE).dial(bob.address, BOB.id)
                await near.close()

    run(talk())


@pytest.mark.parametrize("kind", ["bi", "uni"])
def test_a_second_stream_ends_the_channel(kind):
    async def talk():
        async with listening(quic()) as bob, by_hand(bob.address) as (connection, sending, _):
            await sending.write_all(framed(HELLO))
            channel = await bob.accept()
            if kind == "bi":
                more = (await connection.open_bi()).send()
            else:
                more = await connection.open_uni()
            await more.write_all(b"for another buffer")
            with pytest.raises(ChannelError, match="second stream"):
                await channel.receive()
            assert await is_cut(connection)

    run(talk())


def test_another_protocol_is_not_spoken():
    async def talk():
        async with listening(quic(), QUICK) as bob:
            with pytest.raises(iroh.IrohError):
                async with by_hand(bob.address, alpn=b"h3"):
                    pass
            assert await nobody_comes(bob)

    run(talk())


def test_a_longer_frame_than_allowed_ends_the_channel_before_it_is_read():
    async def talk():
        bounds = Bounds(frame_bytes_max=1000)
        async with (
            listening(quic(), bounds) as bob,
            by_hand(bob.address) as (connection, sending, _),
        ):
            long = (1001).to_bytes(4, "big")
            await sending.write_all(framed(HELLO) + framed(b"fine") + long)
            channel = await bob.accept()
            assert await channel.receive() == b"fine"
            with pytest.raises(FrameError):
                await channel.receive()
            assert await is_cut(connection)

    run(talk())


@pytest.mark.parametrize("how", ["connection", "stream"])
def test_a_stream_that_is_cut_is_not_taken_for_closed(how):
    async def talk():
        async with listening(quic()) as bob, by_hand(bob.address) as (connection, sending, _):
            await sending.write_all(framed(HELLO) + framed(b"one") + framed(b"two")[:-1])
            channel = await bob.accept()
            assert await channel.receive() == b"one"
            if how == "stream":
                await sending.finish()
            else:
                connection.close(7, b"because")
            with pytest.raises(ClosedError) as caught:
                await channel.receive()
            assert not caught.value.is_clean

    run(talk())


def test_silence_ends_a_channel():
    async def talk():
        async with listening(quic(), QUICK) as bob, by_hand(bob.address) as (_, sending, _):
            await sending.write_all(framed(HELLO))
            channel = await bob.accept()
            with pytest.raises(TimedOutError, match="sign of life"):
                await channel.receive()

    run(talk())


def test_who_closes_while_the_other_reads_slowly_loses_nothing_that_was_taken():
    async def talk():
        slow = Bounds(inbox_bytes_max=1000)
        async with joined(quic(), QUICK, slow) as (near, far):
            for number in range(200):
                await near.send(number.to_bytes(2, "big") * 1000)
            await near.close()
            for number in range(200):
                assert await far.receive() == number.to_bytes(2, "big") * 1000
            with pytest.raises(ClosedError) as caught:
                await far.receive()
            assert caught.value.is_clean

    run(talk())


def test_a_node_in_the_middle_can_only_be_itself():
    async def talk():
        async with listening(quic(), admit=lambda node: node == ALICE.id) as bob:
            middle = await transport(MALLORY).listen("iroh://127.0.0.1:0", everybody)
            with pytest.raises(WrongPeerError):
                await transport(ALICE).dial(middle.address, BOB.id)
            with pytest.raises(RefusedError):
                await transport(MALLORY).dial(bob.address, BOB.id)
            await middle.close()

    run(talk())


@pytest.mark.parametrize(
    ("said", "error"),
    [(framed(b"no hello"), UnreachableError), (None, UnreachableError), (b"", TimedOutError)],
    ids=["nonsense", "the end", "nothing"],
)
def test_what_answers_has_to_be_a_node(said, error):
    async def answer(bob):
        while (incoming := await bob.accept_next()) is not None:
            connection = await (await incoming.accept()).connect()
            stream = await connection.accept_bi()
            if said is None:
                connection.close(0, b"")
            elif said:
                await stream.send().write_all(said)
            await asyncio.wait_for(connection.closed(), 10)

    async def talk():
        async with endpoint(BOB, [ALPN]) as bob:
            address = "iroh://" + next(at for at in bob.bound_sockets() if "[" not in at)
            serving = asyncio.create_task(answer(bob))
            with pytest.raises(error):
                await transport(ALICE, QUICK).dial(address, BOB.id)
            serving.cancel()

    run(talk())


def test_what_is_no_public_key_is_not_dialled():
    async def talk():
        for key in (b"\x02" + bytes(31), b""):
            with pytest.raises(ChannelError):
                await transport(ALICE).dial("iroh://127.0.0.1:1", key)

    run(talk())


def test_a_relay_that_is_not_there_is_waited_for_no_longer_than_anybody():
    async def talk():
        with pytest.raises(UnreachableError):
            await transport(ALICE, QUICK).dial("iroh://?relay=http://127.0.0.1:1", BOB.id)

    run(talk())


def test_first_contact_is_by_the_relay_and_the_rest_is_direct():
    async def talk():
        async with relaying() as relay:
            bob = await transport(BOB).listen(f"iroh://127.0.0.1:0?relay={relay.url}", everybody)
            assert parse_quic(bob.address).relay == relay.url
            near = await transport(ALICE).dial(f"iroh://?relay={relay.url}", BOB.id)
            far = await bob.accept()
            assert {who for who, _ in relay.passed} == {ALICE.id, BOB.id}

            passed = -1
            while passed != len(relay.passed):  # until nothing goes there any more
                passed = len(relay.passed)
                for _ in range(20):
                    await near.send(b"nobody else reads this")
                    assert await far.receive() == b"nobody else reads this"
                    await asyncio.sleep(0.02)
            assert not [what for _, what in relay.passed if b"nobody" in what]
            await asyncio.gather(near.close(), far.close())
            await bob.close()

    run(talk())


async def once_more(bob, address):
    """Listen where somebody did: the library gives a socket back soon, not at once."""
    while True:
        try:
            return await bob.listen(address, everybody)
        except AddressError:
            await asyncio.sleep(0.05)


def test_who_listens_dials_from_there_and_is_gone_with_its_last_channel():
    async def talk():
        bob, carol = transport(BOB), transport(CAROL)
        listener = await bob.listen("iroh://127.0.0.1:0", everybody)
        other = await carol.listen("iroh://127.0.0.1:0", everybody)
        near = await bob.dial(other.address, CAROL.id)
        far = await other.accept()
        used = bob._known["iroh"]._listening
        await listener.close()
        assert not used.is_over
        await near.send(b"still here")
        assert await far.receive() == b"still here"
        await asyncio.gather(near.close(), far.close())
        assert used.is_over
        again = await once_more(bob, listener.address)
        assert again.address == listener.address
        await asyncio.gather(again.close(), other.close())

    run(talk())


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_who_listens_on_loopback_is_nowhere_else(host):
    async def talk():
        listener = await transport(BOB).listen(f"iroh://{host}:0", everybody)
        bound = listener._endpoint._bound
        assert all(at.startswith(("127.0.0.1:", "[::1]:")) for at in bound.bound_sockets())
        assert bound.addr().relay_url() is None
        near = await transport(ALICE).dial(listener.address, BOB.id)
        await near.close()
        await listener.close()

    run(talk())
