"""What strangers may try against a listener, and other answers than a node's."""

import asyncio
import socket
import ssl
from contextlib import asynccontextmanager

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from numen.base.codec import encode
from numen.net import certificate
from numen.net.certificate import Trust, hint
from numen.net.channel import Bounds, Hello, everybody
from numen.net.errors import (
    AddressError,
    ChannelError,
    ClosedError,
    FrameError,
    TimedOutError,
    UnreachableError,
    WrongPeerError,
)
from numen.net.identity import NodeKey
from numen.net.tls import TlsTransport
from tests.net.fabric import ALICE, BOB, CAROL, MALLORY, joined, listening, tls

QUICK = Bounds(handshake_s=0.3, idle_s=0.3, send_s=0.3, close_s=0.1)
HELLO = encode(Hello("", 1 << 20, bytes(32)))


def framed(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def run(coroutine):
    asyncio.run(asyncio.wait_for(coroutine, 120))


@asynccontextmanager
async def by_hand(address: str, key: NodeKey, *, claimed: NodeKey | None = None, context=None):
    """A TLS connection to Bob, past which anything can be sent."""
    if context is None:
        trust = Trust(key, is_listener=False)
        trust.add(BOB.id)
        context = trust.context
    host, port = address.rsplit(":", 1)
    reader, writer = await asyncio.open_connection(
        host, int(port), ssl=context, server_hostname=hint((claimed or key).id)
    )
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


async def is_cut(reader: asyncio.StreamReader) -> bool:
    """Whether the other side ends it, at most after having said hello."""
    try:
        return len(await reader.read(10_000)) < 200 and not await reader.read(1)
    except (ConnectionError, ssl.SSLError):
        return True


async def nobody_comes(listener) -> bool:
    try:
        await asyncio.wait_for(listener.accept(), 0.1)
    except TimeoutError:
        return True
    return False


def test_who_says_hello_by_hand_has_a_channel():
    async def talk():
        async with listening(tls()) as bob, by_hand(bob.address, ALICE) as (reader, writer):
            writer.write(framed(HELLO) + framed(b"in the same breath"))
            channel = await bob.accept()

            assert channel.peer == ALICE.id
            assert await channel.receive() == b"in the same breath"
            await channel.send(b"back")
            assert await asyncio.wait_for(reader.readuntil(framed(b"back")), 60)
            await channel.close()

    run(talk())


def test_a_key_that_one_does_not_have_is_worth_nothing():
    async def talk():
        async with listening(tls(), admit=lambda node: node == ALICE.id) as bob:
            async with by_hand(bob.address, MALLORY, claimed=ALICE) as (reader, writer):
                writer.write(framed(HELLO))
                assert await is_cut(reader)
            assert await nobody_comes(bob)

    run(talk())


def forged(private: Ed25519PrivateKey, signer: Ed25519PrivateKey, issuer: NodeKey):
    """A certificate of one key, signed by another, under the name of a third."""
    return certificate._certificate(
        "node", issuer.id.hex(), private.public_key(), signer, is_anchor=False
    )


@pytest.mark.parametrize(
    ("signer", "issuer"),
    [(MALLORY, ALICE), (ALICE, ALICE), (MALLORY, MALLORY)],
    ids=["alice's name", "signed by alice for mallory", "mallory's own"],
)
def test_certificates_for_another_key_are_refused(signer, issuer, monkeypatch):
    """Mallory has the secret of the second, and says it is Alice, or somebody Alice vouches for."""
    private = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\x07")
    shown = forged(private, signer.private_key(), issuer)

    class Mine:
        id = ALICE.id

        def private_key(self):
            return private

    async def talk():
        async with listening(tls()) as bob:
            with monkeypatch.context() as patch:
                patch.setattr(certificate, "_certificate", lambda *_, **__: shown)
                trust = Trust(Mine(), is_listener=False)
            trust.add(BOB.id)
            context = trust.context
            async with by_hand(bob.address, ALICE, context=context) as (reader, writer):
                writer.write(framed(HELLO))
                assert await is_cut(reader)
            assert await nobody_comes(bob)

    run(talk())


def test_a_certificate_of_another_kind_of_key_is_refused(monkeypatch):
    private = ec.generate_private_key(ec.SECP256R1())
    shown = forged(private, MALLORY.private_key(), MALLORY)

    class Mine:
        id = MALLORY.id

        def private_key(self):
            return private

    async def talk():
        async with listening(tls()) as bob:
            with monkeypatch.context() as patch:
                patch.setattr(certificate, "_certificate", lambda *_, **__: shown)
                trust = Trust(Mine(), is_listener=False)
            trust.add(BOB.id)
            async with by_hand(bob.address, MALLORY, context=trust.context) as (reader, writer):
                writer.write(framed(HELLO))
                assert await is_cut(reader)
            assert await nobody_comes(bob)

    run(talk())


def test_a_dialler_without_a_certificate_is_cut():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE

    async def talk():
        async with listening(tls()) as bob:
            async with by_hand(bob.address, ALICE, context=context) as (reader, writer):
                writer.write(framed(HELLO))
                assert await is_cut(reader)
            assert await nobody_comes(bob)

    run(talk())


def test_older_tls_is_not_spoken():
    trust = Trust(ALICE, is_listener=False)
    trust.add(BOB.id)
    trust.context.minimum_version = ssl.TLSVersion.TLSv1_2
    trust.context.maximum_version = ssl.TLSVersion.TLSv1_2

    async def talk():
        async with listening(tls()) as bob:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                async with by_hand(bob.address, ALICE, context=trust.context):
                    pass
            assert await nobody_comes(bob)

    run(talk())


@pytest.mark.parametrize("name", ["", "numen", "a.numen", "!" * 52 + ".numen", "7" * 52 + ".numen"])
def test_a_name_that_is_no_node_is_cut(name, monkeypatch):
    monkeypatch.setattr("tests.net.test_tls.hint", lambda _: name)

    async def talk():
        async with listening(tls()) as bob:
            try:
                async with by_hand(bob.address, ALICE) as (reader, writer):
                    writer.write(framed(HELLO))
                    assert await is_cut(reader)
            except (OSError, ValueError):  # it was cut before, or Python does not even ask for it
                pass
            assert await nobody_comes(bob)

    run(talk())


@pytest.mark.parametrize(
    "said",
    [
        framed(b""),
        framed(b"hello"),
        framed(bytes(128)),
        (129).to_bytes(4, "big") + bytes(129),
        b"\xff" * 4,
        framed(encode(Hello("", 1, bytes(32)))[:-1]),
    ],
    ids=["nothing", "no hello", "zeros", "too long", "goodbye", "cut"],
)
def test_another_hello_is_cut(said):
    async def talk():
        async with listening(tls(), QUICK) as bob:
            async with by_hand(bob.address, ALICE) as (reader, writer):
                writer.write(said)
                assert await is_cut(reader)
            assert await nobody_comes(bob)

    run(talk())


def test_what_is_no_tls_is_cut():
    async def talk():
        async with listening(tls(), QUICK) as bob:
            host, port = bob.address.rsplit(":", 1)
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            assert await is_cut(reader)
            writer.close()
            assert await nobody_comes(bob)

    run(talk())


def test_who_says_nothing_is_cut_and_does_not_keep_others_out():
    bounds = Bounds(handshake_s=0.5, handshakes_max=3, close_s=0.1)

    async def talk():
        async with listening(tls(), bounds) as bob:
            host, port = bob.address.rsplit(":", 1)
            idle = [await asyncio.open_connection(host, int(port)) for _ in range(5)]
            await asyncio.sleep(0.05)
            over = [reader for reader, _ in idle if reader.at_eof()]
            assert len(over) == 2  # the fourth and the fifth were not even heard
            with pytest.raises(UnreachableError):
                await TlsTransport(ALICE).dial(bob.address, BOB.id)
            assert all([await is_cut(reader) for reader, _ in idle])
            near = await TlsTransport(ALICE).dial(bob.address, BOB.id)
            await near.close()
            for _, writer in idle:
                writer.close()

    run(talk())


def test_one_address_has_a_part_of_the_handshakes_only():
    bounds = Bounds(handshake_s=30, handshakes_per_host_max=1, close_s=0.1)

    async def talk():
        async with listening(tls(), bounds) as bob:
            host, port = bob.address.rsplit(":", 1)
            first = await asyncio.open_connection(host, int(port))
            second = await asyncio.open_connection(host, int(port))
            assert await asyncio.wait_for(is_cut(second[0]), 20)
            assert not first[0].at_eof()
            for _, writer in (first, second):
                writer.close()

    run(talk())


def test_a_longer_frame_than_allowed_ends_the_channel_before_it_is_read():
    async def talk():
        bounds = Bounds(frame_bytes_max=1000)
        async with listening(tls(), bounds) as bob, by_hand(bob.address, ALICE) as (reader, writer):
            writer.write(framed(HELLO) + framed(b"fine") + (1001).to_bytes(4, "big"))
            channel = await bob.accept()
            assert await channel.receive() == b"fine"
            with pytest.raises(FrameError):
                await channel.receive()
            assert await is_cut(reader)

    run(talk())


def test_a_stream_that_is_cut_is_not_taken_for_closed():
    async def talk():
        async with listening(tls()) as bob, by_hand(bob.address, ALICE) as (_, writer):
            writer.write(framed(HELLO) + framed(b"one") + framed(b"two")[:-1])
            channel = await bob.accept()
            assert await channel.receive() == b"one"
            writer.close()
            with pytest.raises(ClosedError) as caught:
                await channel.receive()
            assert not caught.value.is_clean

    run(talk())


def test_silence_ends_a_channel():
    async def talk():
        async with listening(tls(), QUICK) as bob, by_hand(bob.address, ALICE) as (_, writer):
            writer.write(framed(HELLO))
            channel = await bob.accept()
            with pytest.raises(TimedOutError, match="sign of life"):
                await channel.receive()
            with pytest.raises(TimedOutError):
                await channel.send(b"x")

    run(talk())


def test_who_has_nothing_to_say_stays_connected():
    async def talk():
        async with joined(tls(), QUICK, QUICK) as (near, far):
            await asyncio.sleep(1.0)
            await near.send(b"still here")
            assert await far.receive() == b"still here"

    run(talk())


def test_anchors_are_bounded_and_no_channel_suffers(monkeypatch):
    monkeypatch.setattr(certificate, "ANCHORS_MAX", 2)

    async def talk():
        async with listening(tls()) as bob:
            keys = [NodeKey.from_seed(bytes([number])) for number in range(5)]
            channels = [await TlsTransport(key).dial(bob.address, BOB.id) for key in keys]
            assert [(await bob.accept()).peer for _ in keys] == [key.id for key in keys]
            assert len(bob._trust._anchored) <= 2
            for channel in channels:
                await channel.close()

    run(talk())


def test_who_leaves_while_it_is_greeted_gives_its_place_back():
    bounds = Bounds(peers_max=1, handshakes_per_host_max=64)

    async def talk():
        async with listening(tls(), bounds) as bob:
            for delay_s in (0, 0.001, 0.003, 0.01):
                for key in (ALICE, CAROL, MALLORY):
                    async with by_hand(bob.address, key) as (_, writer):
                        writer.write(framed(HELLO))
                        await asyncio.sleep(delay_s)
            await asyncio.sleep(0.1)
            while not bob._reception._ready.empty():
                await (await bob.accept()).close()
            assert not bob._reception._admission._open
            near = await TlsTransport(ALICE).dial(bob.address, BOB.id)
            await near.close()

    run(talk())


def test_a_listener_that_is_closed_in_the_middle_of_greetings_leaves_nothing_open():
    async def talk():
        async with listening(tls()) as bob, by_hand(bob.address, ALICE) as (reader, _):
            await asyncio.sleep(0.05)
            await bob.close()
            assert await is_cut(reader)

    run(talk())


def test_signs_of_life_are_not_free():
    async def talk():
        async with listening(tls()) as bob, by_hand(bob.address, ALICE) as (_, writer):
            writer.write(framed(HELLO) + bytes(4) * 60 + framed(b"still fine"))
            channel = await bob.accept()
            assert await channel.receive() == b"still fine"
            writer.write(bytes(4) * 60)
            with pytest.raises(ChannelError, match="too often"):
                await channel.receive()

    run(talk())


def test_what_is_no_public_key_is_not_dialled():
    async def talk():
        for key in (b"\x02" + bytes(31), bytes(31), b""):
            with pytest.raises(ChannelError):
                await TlsTransport(ALICE).dial("127.0.0.1:1", key)

    run(talk())


@asynccontextmanager
async def answering(say, context=None):
    """Something that answers at an address, and is no node."""

    async def serve(_reader, writer):
        writer.write(say)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


def test_what_answers_has_to_be_a_node():
    async def talk():
        trust = Trust(BOB, is_listener=True)
        async with answering(b"220 mail.example ESMTP\r\n") as address:
            with pytest.raises(UnreachableError):
                await TlsTransport(ALICE, QUICK).dial(address, BOB.id)
        async with answering(framed(b"no hello"), trust.context) as address:
            with pytest.raises(UnreachableError):
                await TlsTransport(ALICE, QUICK).dial(address, BOB.id)
        async with answering(b"", trust.context) as address:
            with pytest.raises(UnreachableError):
                await TlsTransport(ALICE, QUICK).dial(address, BOB.id)

    run(talk())


def test_a_node_in_the_middle_can_only_be_itself():
    """Mallory answers at Bob's address and dials Bob: neither takes it for the other."""

    async def talk():
        async with listening(tls(), admit=lambda node: node == ALICE.id) as bob:
            middle = await TlsTransport(MALLORY).listen("127.0.0.1:0", everybody)
            with pytest.raises(WrongPeerError):
                await TlsTransport(ALICE).dial(middle.address, BOB.id)
            with pytest.raises(ChannelError):
                await TlsTransport(MALLORY).dial(bob.address, BOB.id)
            await middle.close()

    run(talk())


def test_no_part_of_the_secret_stays_on_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(certificate.tempfile, "tempdir", str(tmp_path))
    Trust(CAROL, is_listener=True)

    assert not list(tmp_path.iterdir())


def test_an_address_that_is_taken_says_what_to_do():
    async def story():
        async with listening(tls()) as listener:
            with pytest.raises(AddressError, match=r"in use\n.*choose another port"):
                await TlsTransport(CAROL).listen(listener.address, everybody)

    run(story())


def test_small_frames_do_not_wait_for_each_other():
    async def talk():
        async with listening(tls()) as bob:
            alice = await TlsTransport(ALICE).dial(bob.address, BOB.id)
            for end in (alice, await bob.accept()):
                under = end._transport.get_extra_info("socket")
                assert under.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            await alice.close()

    run(talk())
