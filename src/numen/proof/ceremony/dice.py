"""Scalars and points drawn from a seed, as the tools around snarkjs draw them.

Parties check one another's draws: a beacon's secrets follow from a public value, and the point
that a party proves its knowledge on follows from the transcript. So the generator (ChaCha with 20
rounds, 32-bit words) and how numbers are made of its words are part of the format.

Sources: Bernstein, "ChaCha, a variant of Salsa20"; https://github.com/iden3/ffjavascript.
"""

import hashlib
import struct

from numen.proof.bn254 import G1, G2, Fq2, G1Point, G2Point, Q, R, fq2_add, fq2_multiply
from numen.proof.errors import CeremonyError

SEED_BYTES = 32

BEACON_LOG_MIN, BEACON_LOG_MAX = 10, 63
"""Binary logarithm of the hashes a beacon's value goes through, in files."""

BEACON_LOG_BEARABLE = 30
"""What this machine is asked to compute: ten minutes."""

G2_COFACTOR = 2 * Q - R
"""The curve of G2 has so many times as many points."""

_WORD = (1 << 32) - 1
_MASK = (1 << 254) - 1
_UNFORM = {prime: pow(1 << 256, -1, prime) for prime in (Q, R)}
_CONSTANTS = struct.unpack("<4I", b"expand 32-byte k")
_QUARTERS = (
    (0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
    (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14),
)  # fmt: skip


class Dice:
    """A generator, and what is drawn from it."""

    def __init__(self, seed: bytes | bytearray) -> None:
        """Begin.

        Args:
            seed: Its first `SEED_BYTES` bytes are used.
        """
        self._state = [*_CONSTANTS, *struct.unpack(">8I", seed[:SEED_BYTES]), 0, 0, 0, 0]
        self._words: list[int] = []

    def forget(self) -> None:
        """Overwrite the state. Numbers that were drawn are Python's to free."""
        self._state[:] = [0] * len(self._state)
        self._words[:] = [0] * len(self._words)

    def word(self) -> int:
        """32 bits."""
        if not self._words:
            self._words = _block(self._state)[::-1]
            self._state[12] = (self._state[12] + 1) & _WORD
            self._state[13] = (self._state[13] + (not self._state[12])) & _WORD
        return self._words.pop()

    def scalar(self) -> int:
        """An integer of `[0, R)`."""
        return self._below(R)

    def g1(self) -> G1Point:
        """A point of G1."""
        while True:
            x, wants_larger = self._below(Q), self.word() & 1
            square = (x**3 + 3) % Q
            if square and pow(square, (Q - 1) // 2, Q) == 1:
                y = pow(square, (Q + 1) // 4, Q)
                return x, y if (y > Q // 2) == bool(wants_larger) else Q - y

    def g2(self) -> G2Point:
        """A point of G2."""
        while True:
            x, wants_larger = (self._below(Q), self._below(Q)), self.word() & 1
            y = square_root(fq2_add(fq2_multiply(fq2_multiply(x, x), x), G2.b))
            if y is None or y == (0, 0):
                continue
            if is_larger(y) != bool(wants_larger):
                y = -y[0] % Q, -y[1] % Q
            point: G2Point = G2.multiply((x, y), G2_COFACTOR)
            return point

    def _below(self, prime: int) -> int:
        """A number whose Montgomery form is drawn."""
        while True:
            form = 0
            for shift in range(0, 256, 64):
                form |= (self.word() << 32 | self.word()) << shift
            form &= _MASK
            if form < prime:
                return form * _UNFORM[prime] % prime


def _block(state: list[int]) -> list[int]:
    words = list(state)
    for _ in range(10):
        for a, b, c, d in _QUARTERS:
            for first, second in ((16, 12), (8, 7)):
                words[a] = (words[a] + words[b]) & _WORD
                words[d] = _rotate(words[d] ^ words[a], first)
                words[c] = (words[c] + words[d]) & _WORD
                words[b] = _rotate(words[b] ^ words[c], second)
    return [(word + before) & _WORD for word, before in zip(words, state, strict=True)]


def _rotate(word: int, count: int) -> int:
    return (word << count | word >> (32 - count)) & _WORD


def is_larger(y: Fq2) -> bool:
    """Whether an element is the larger of itself and its negative."""
    return (y[1] or y[0]) > Q // 2


def square_root(a: Fq2) -> Fq2 | None:
    """One of the roots of an element of Fq2, or None.

    Source: Adj, Rodriguez-Henriquez, "Square root computation over even extension fields",
    IEEE Transactions on Computers 2014, algorithm 8.
    """
    norm = _root((a[0] * a[0] + a[1] * a[1]) % Q)
    if norm is None:
        return None
    half = pow(2, -1, Q)
    for part in ((a[0] + norm) * half % Q, (a[0] - norm) * half % Q):
        real = _root(part)
        if real is None:
            continue
        if real:
            root = real, a[1] * pow(2 * real, -1, Q) % Q
        else:
            imaginary = _root(-a[0] % Q)
            root = 0, imaginary or 0
        if fq2_multiply(root, root) == a:
            return root
    return None


def _root(a: int) -> int | None:
    root = pow(a, (Q + 1) // 4, Q)
    return root if root * root % Q == a else None


def beacon_dice(value: bytes, iterations_log: int) -> Dice:
    """The generator of a public random value, after so many rounds of SHA-256.

    Args:
        value: 1 to 255 bytes that nobody could know or choose beforehand.
        iterations_log: Binary logarithm of the count of rounds.

    Raises:
        CeremonyError: More rounds than `BEACON_LOG_BEARABLE` allows.
    """
    if iterations_log > BEACON_LOG_BEARABLE:
        raise CeremonyError(
            f"a beacon of 2**{iterations_log} hashes takes too long to compute; "
            f"at most 2**{BEACON_LOG_BEARABLE} are done"
        )
    for _ in range(1 << iterations_log):
        value = hashlib.sha256(value).digest()
    return Dice(value)


def point_of_hash(hash_: bytes) -> G2Point:
    """The point of G2 that a hash stands for."""
    return Dice(hash_).g2()


def g1_of(point: G1Point, scalar: int) -> G1Point:
    """A multiple of a point."""
    multiple: G1Point = G1.multiply(point, scalar)
    return multiple


def g2_of(point: G2Point, scalar: int) -> G2Point:
    """A multiple of a point."""
    multiple: G2Point = G2.multiply(point, scalar)
    return multiple
