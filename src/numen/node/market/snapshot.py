"""A snapshot: a whole market as bytes, so that who joins late need not read all that was written.

    SnapshotError     bytes that are no market, or another than was promised

Everybody who applies the same entries writes the same bytes: rows are in the order in which they
came to be, and what has no order is sorted. An entry of the record (`replica.Marked`) holds the
digest of the state before it, which every follower compares with its own; so a hall that would
tell a newcomer another story has to tell it to everybody first. It signs what it tells (`Seal`).
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from numen.base.codec import U64, U256, digest
from numen.base.crypto import (
    Address,
    BadSignatureError,
    Hash32,
    Signature,
    SigningKey,
    verify_signer,
)
from numen.base.errors import NumenError
from numen.market.escrow import Marks
from numen.market.turn import Market

SNAPSHOT_BYTES_MAX: Final = 64 << 20
"""Longest snapshot: where a market is larger, its record is kept whole."""

_STATE_DOMAIN: Final = "numen/market-state/1"
_SEAL_DOMAIN: Final = "numen/market-seal/1"


class SnapshotError(NumenError):
    """Bytes are no snapshot, or another than was promised."""


class MarkRow(msgspec.Struct, frozen=True, array_like=True):
    """Nonces that were paid, as `numen.market.escrow.Marks` has them; the word as 32 bytes."""

    payer: Address
    payee: Address
    secret: Hash32
    word: Hash32
    last_round: U64


class State(msgspec.Struct, frozen=True, array_like=True):
    """A market after some number of entries.

    Attributes:
        height: How many.
        head: Digest of the last.
        now_ms: When it was written.
        granted: Who was granted coins, sorted.
        pool: Payees of the present round, sorted.
        marks: Nonces that were paid.
        market: Everything else.
    """

    height: U64
    head: Hash32
    now_ms: U64
    granted: tuple[Address, ...]
    pool: tuple[Address, ...]
    marks: tuple[MarkRow, ...]
    market: Market


class Sealed(msgspec.Struct, frozen=True, array_like=True):
    """What a seal is signed over.

    Attributes:
        market: Identity of the genesis.
        height: Entries before the snapshot.
        head: Digest of the last of them.
        state: Digest of the snapshot.
        size: Its bytes.
    """

    market: Hash32
    height: U64
    head: Hash32
    state: Hash32
    size: Annotated[int, Meta(ge=1, le=SNAPSHOT_BYTES_MAX)]


class Seal(msgspec.Struct, frozen=True, array_like=True):
    """A hall's word for a snapshot.

    Attributes:
        of: The snapshot.
        signature: The hall's.
    """

    of: Sealed
    signature: Signature


def state_of(market: Market, height: int, head: bytes, now_ms: int, granted: set[bytes]) -> State:
    """Put a market into the form that is written."""
    escrow = market.escrow
    rows = tuple(
        MarkRow(*key, marks.word.to_bytes(32, "big"), marks.last_round)
        for key, marks in escrow.marks.items()
    )
    bare = msgspec.structs.replace(escrow, pool=frozenset(), marks={})
    rest = msgspec.structs.replace(market, escrow=bare)
    pool = tuple(sorted(escrow.pool))
    return State(height, head, now_ms, tuple(sorted(granted)), pool, rows, rest)


def market_of(state: State) -> Market:
    """Undo `state_of`."""
    marks = {
        (row.payer, row.payee, row.secret): Marks(int.from_bytes(row.word, "big"), row.last_round)
        for row in state.marks
    }
    escrow = msgspec.structs.replace(state.market.escrow, pool=frozenset(state.pool), marks=marks)
    return msgspec.structs.replace(state.market, escrow=escrow)


def write_state(state: State) -> bytes:
    """The bytes of a state; equal histories give equal bytes."""
    return _ENCODER.encode(state)


def read_state(raw: bytes) -> State:
    """Read a state from a stranger's bytes.

    Raises:
        SnapshotError: They are not what `write_state` gives.
    """
    if len(raw) > SNAPSHOT_BYTES_MAX:
        raise SnapshotError(f"a snapshot of {len(raw)} bytes, at most {SNAPSHOT_BYTES_MAX}")
    try:
        state = _DECODER.decode(raw)
        again = _ENCODER.encode(state)
    except (msgspec.MsgspecError, OverflowError, RecursionError, TypeError, ValueError) as error:
        raise SnapshotError(f"no snapshot of a market: {error}") from error
    if again != raw or not _is_in_order(state):
        raise SnapshotError("another encoding of the same market is the canonical one")
    return state


def _is_in_order(state: State) -> bool:
    """Whether everything stands where `state_of` puts it, once."""
    escrow = state.market.escrow
    keys = {(row.payer, row.payee, row.secret) for row in state.marks}
    return (
        all(list(each) == sorted(set(each)) for each in (state.granted, state.pool))
        and len(keys) == len(state.marks)
        and not (escrow.pool or escrow.marks)
    )


def state_digest(raw: bytes) -> bytes:
    """Name a state by its bytes; 32 bytes."""
    return digest(_STATE_DOMAIN, raw)


def seal(key: SigningKey, market: bytes, height: int, head: bytes, raw: bytes) -> Seal:
    """Sign a snapshot, as the hall of its market."""
    of = Sealed(market, height, head, state_digest(raw), len(raw))
    return Seal(of, key.sign(digest(_SEAL_DOMAIN, of)))


def open_sealed(found: Seal, raw: bytes, market: bytes, hall: bytes) -> State:
    """Read a snapshot that a hall has sealed.

    Args:
        found: The seal.
        raw: The bytes that came with it.
        market: Identity of the genesis that is expected.
        hall: Account of its hall.

    Raises:
        SnapshotError: Another key sealed it, it is of another market, or the bytes are others.
    """
    of = found.of
    if of.market != market:
        raise SnapshotError("the snapshot is of another market")
    try:
        verify_signer(hall, digest(_SEAL_DOMAIN, of), found.signature)
    except BadSignatureError as error:
        raise SnapshotError(f"the hall has not sealed this snapshot: {error.message}") from error
    if len(raw) != of.size or state_digest(raw) != of.state:
        raise SnapshotError("the bytes are not those that the hall has sealed")
    state = read_state(raw)
    if (state.height, state.head) != (of.height, of.head):
        raise SnapshotError("the snapshot is of another moment than its seal")
    return state


def _write_wide(value: object) -> bytes:
    if isinstance(value, U256):
        return value.to_bytes(32, "big")
    msg = f"{type(value).__name__} is no part of a market"
    raise TypeError(msg)


def _read_wide(kind: type, raw: object) -> U256:
    if kind is not U256 or not isinstance(raw, bytes) or len(raw) != 32:
        msg = "expected 32 bytes of a 256-bit integer"
        raise ValueError(msg)
    return U256(int.from_bytes(raw, "big"))


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_write_wide)
_DECODER = msgspec.msgpack.Decoder(State, dec_hook=_read_wide)
