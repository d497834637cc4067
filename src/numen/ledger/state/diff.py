"""State diffs: what changed, and between which roots.

The shape is that of EIP-7928: accounts sorted by address, and of each its slots sorted by number,
every change with the index of the step that made it, and the slots that were read and not written.
Instead of words, slots have bytes, and accounts count the messages that they emit.

Who has the state before a diff needs nothing else to have the state after it, whatever was
executed; see `numen.ledger.state.state`. The digest is of the canonical bytes, under
``numen/state/diff/1``.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from numen.base import codec
from numen.base.codec import U64, U256
from numen.base.crypto import Address, Hash32
from numen.ledger.state.account import BALANCE_MAX, CODE_BYTES_MAX, SLOT_BYTES_MAX
from numen.ledger.state.errors import DiffError

DIFF_BYTES_MAX = 1 << 24
"""Longest encoding of a diff."""

DOMAIN = "numen/state/diff/1"

Write: TypeAlias = tuple[bytes, bytes | None]
"""An address and a slot that is written, or None for the account itself."""


class SlotChange(msgspec.Struct, frozen=True, array_like=True):
    """What a slot has after a step; no bytes if it has nothing."""

    index: U64
    value: Annotated[bytes, Meta(max_length=SLOT_BYTES_MAX)]


class SlotChanges(msgspec.Struct, frozen=True, array_like=True):
    """All changes of a slot, at least one, in the order of steps."""

    slot: Hash32
    changes: tuple[SlotChange, ...]


class BalanceChange(msgspec.Struct, frozen=True, array_like=True):
    """What an account has after a step; below 2**128."""

    index: U64
    balance: U256


class CountChange(msgspec.Struct, frozen=True, array_like=True):
    """How far a nonce or a sequence has come after a step."""

    index: U64
    count: U64


class CodeChange(msgspec.Struct, frozen=True, array_like=True):
    """The code of an account after a step; no bytes if it has none."""

    index: U64
    code: Annotated[bytes, Meta(max_length=CODE_BYTES_MAX)]


class AccountChanges(msgspec.Struct, frozen=True, array_like=True):
    """What happened to an address.

    Attributes:
        address: Whose account.
        storage: Slots that were written, sorted.
        reads: Slots that were read and not written, sorted.
        balances: Changes of its balance.
        nonces: Changes of its nonce.
        sequences: Changes of its sequence.
        codes: Changes of its code.
    """

    address: Address
    storage: tuple[SlotChanges, ...] = ()
    reads: tuple[Hash32, ...] = ()
    balances: tuple[BalanceChange, ...] = ()
    nonces: tuple[CountChange, ...] = ()
    sequences: tuple[CountChange, ...] = ()
    codes: tuple[CodeChange, ...] = ()

    @property
    def is_account_written(self) -> bool:
        """Whether anything but slots is written."""
        return bool(self.balances or self.nonces or self.sequences or self.codes)


class Diff(msgspec.Struct, frozen=True, array_like=True):
    """What steps made of a state.

    Attributes:
        pre_root: Root of the state before.
        post_root: Root of the state after.
        steps: How many steps there were; indices are below.
        accounts: Sorted by address.
    """

    pre_root: Hash32
    post_root: Hash32
    steps: U64
    accounts: tuple[AccountChanges, ...]


def encode(diff: Diff) -> bytes:
    """Write a diff in its canonical bytes.

    Raises:
        DiffError: It breaks its form.
        CodecError: It has more than `DIFF_BYTES_MAX` bytes, or fields out of their ranges.
    """
    check(diff)
    return codec.encode(diff, size_max=DIFF_BYTES_MAX)


def decode(raw: bytes) -> Diff:
    """Read a diff from bytes of anyone.

    Raises:
        DiffError: It breaks its form.
        CodecError: The bytes are not the canonical ones of any diff, or too many.

    Cost: linear in the length.
    """
    diff = codec.decode(Diff, raw, size_max=DIFF_BYTES_MAX)
    check(diff)
    return diff


def digest(diff: Diff) -> bytes:
    """Hash a diff; 32 bytes."""
    return codec.digest(DOMAIN, encode(diff))


def writes(diff: Diff) -> frozenset[Write]:
    """Everything that a diff writes."""
    slots = {(a.address, s.slot) for a in diff.accounts for s in a.storage}
    return frozenset(slots | {(a.address, None) for a in diff.accounts if a.is_account_written})


def check(diff: Diff) -> None:
    """See that a diff has its form: everything sorted, nothing twice, no empty list of changes.

    Raises:
        DiffError: It has not; the error names the place.
    """
    _check_sorted([account.address for account in diff.accounts], "the accounts")
    for account in diff.accounts:
        _check_account(account, diff.steps)


def _check_account(account: AccountChanges, steps: int) -> None:
    where = f"account 0x{account.address.hex()}"
    slots = [changes.slot for changes in account.storage]
    _check_sorted(slots, f"the slots of {where}")
    _check_sorted(account.reads, f"the reads of {where}")
    both = set(slots) & set(account.reads)
    if both:
        raise DiffError(where, f"slot 0x{min(both).hex()} is among reads and writes")
    for changes in account.storage:
        name = f"slot 0x{changes.slot.hex()} of {where}"
        if not changes.changes:
            raise DiffError(name, "no change")
        _check_indices([change.index for change in changes.changes], steps, name)
    for kind in ("balances", "nonces", "sequences", "codes"):
        indices = [change.index for change in getattr(account, kind)]
        _check_indices(indices, steps, f"the {kind} of {where}")
    if any(change.balance > BALANCE_MAX for change in account.balances):
        raise DiffError(where, "a balance of more than 128 bits")


def _check_sorted(names: Sequence[bytes], where: str) -> None:
    if any(a >= b for a, b in pairwise(names)):
        raise DiffError(where, "not sorted, or one is there twice")


def _check_indices(indices: Sequence[int], steps: int, where: str) -> None:
    if any(a >= b for a, b in pairwise(indices)):
        raise DiffError(where, "the steps are not in order")
    if indices and indices[-1] >= steps:
        raise DiffError(where, f"step {indices[-1]} where there are {steps}")
