"""The transcript tells conversations apart, and its challenges are uniform."""

import hashlib

import numpy as np
import pytest

from numen.proof.stark.errors import StarkRejectedError
from numen.proof.stark.field import P, extension
from numen.proof.stark.transcript import Transcript, find_nonce, has_work

EXT = extension(4)


def challenge(*said: tuple[str, bytes], protocol: str = "p") -> tuple[int, ...]:
    transcript = Transcript(protocol)
    for label, data in said:
        transcript.absorb(label, data)
    return transcript.element("x", EXT)


def test_no_two_conversations_draw_the_same():
    conversations = [
        (),
        (("a", b""),),
        (("a", b"\0"),),
        (("a", b"\0\0\0"),),
        (("a", b"ab"), ("a", b"c")),
        (("a", b"a"), ("a", b"bc")),
        (("a", b"abc"),),
        (("ab", b"c"),),
        (("a", b"b"), ("c", b"")),
        (("", b"abc"),),
    ]
    drawn = [challenge(*said) for said in conversations]

    assert len(set(drawn)) == len(drawn)
    assert challenge(("a", b"ab")) == challenge(("a", b"ab"))
    assert challenge(protocol="q") != challenge()


def test_drawing_is_a_part_of_the_conversation():
    one, other = Transcript("p"), Transcript("p")
    one.element("x", EXT)

    assert one.element("y", EXT) != other.element("y", EXT)
    assert one.element("y", EXT) != one.element("y", EXT)
    assert Transcript("p").element("x", EXT) != Transcript("p").element("y", EXT)


def test_the_state_is_what_the_module_says():
    def enter(state: bytes, kind: int, label: bytes, data: bytes) -> bytes:
        head = state + bytes([kind]) + len(label).to_bytes(4, "little") + label
        return hashlib.sha256(head + len(data).to_bytes(8, "little") + data).digest()

    state = enter(bytes(32), 0, b"protocol", b"p")
    state = enter(state, 0, b"a", b"data")
    state = enter(state, 1, b"x", b"")
    words: list[int] = []
    for counter in range(4):
        block = hashlib.sha256(state + b"\xff" + counter.to_bytes(4, "little")).digest()
        words += [int.from_bytes(block[i : i + 4], "little") & 0x7FFFFFFF for i in range(0, 32, 4)]
    expected = [word for word in words if word < P]

    assert challenge(("a", b"data")) == tuple(expected[:4])


def test_challenges_spread_over_the_field():
    transcript = Transcript("p")
    drawn = np.array(transcript.elements("many", EXT, 4000)).reshape(-1)

    assert drawn.max() < P
    counts, _ = np.histogram(drawn, bins=16, range=(0, P))
    assert counts.min() > 850
    assert counts.max() < 1150
    indices = transcript.indices("some", 4000, 4)
    assert set(indices) == set(range(16))


def test_a_point_outside_is_not_in_the_base_field():
    transcript = Transcript("p")

    assert all(any(transcript.outside("z", EXT)[1:]) for _ in range(20))


def test_work_is_checked():
    transcript = Transcript("p")
    state = transcript.begin_grinding("work", 6)
    nonce = find_nonce(state, 6)

    digest = hashlib.sha256(state + nonce.to_bytes(8, "little")).digest()
    assert digest[0] < 4
    assert not any(has_work(state, 6, smaller) for smaller in range(nonce))
    bad = next(n for n in range(1 << 20) if not has_work(state, 6, n))
    with pytest.raises(StarkRejectedError, match="6 bits"):
        transcript.end_grinding("work", 6, bad)
    assert transcript.end_grinding("work", 6, nonce) is None


def test_the_bits_of_work_are_a_part_of_the_conversation():
    easy, hard = Transcript("p"), Transcript("p")

    assert easy.begin_grinding("work", 1) != hard.begin_grinding("work", 2)
