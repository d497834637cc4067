"""Diffs as arrows between roots: one after the other is a diff, and each has its inverse."""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import TypeVar

import msgspec

from numen.base.codec import U256
from numen.ledger.state.diff import (
    AccountChanges,
    BalanceChange,
    CodeChange,
    CountChange,
    Diff,
    SlotChange,
    SlotChanges,
)
from numen.ledger.state.errors import RootMismatchError
from numen.ledger.state.state import State

T = TypeVar("T", SlotChange, BalanceChange, CountChange, CodeChange)


def compose(first: Diff, second: Diff) -> Diff:
    """One diff after another, as one; steps of the second follow those of the first.

    Raises:
        RootMismatchError: The second does not start where the first ends.
    """
    if first.post_root != second.pre_root:
        raise RootMismatchError("pre", second.pre_root, first.post_root)
    by_address: dict[bytes, list[AccountChanges]] = {}
    later = [_later(account, first.steps) for account in second.accounts]
    for account in chain(first.accounts, later):
        by_address.setdefault(account.address, []).append(account)
    accounts = tuple(_joined(parts) for _, parts in sorted(by_address.items()))
    return Diff(first.pre_root, second.post_root, first.steps + second.steps, accounts)


def invert(diff: Diff, before: State) -> Diff:
    """The diff that leads back, in one step.

    Args:
        diff: What leads there.
        before: The state that it starts from.

    Raises:
        RootMismatchError: It starts from another state.
    """
    if diff.pre_root != before.root:
        raise RootMismatchError("pre", diff.pre_root, before.root)
    accounts = tuple(_restored(account, before) for account in diff.accounts)
    return Diff(diff.post_root, diff.pre_root, 1, accounts)


def _later(account: AccountChanges, steps: int) -> AccountChanges:
    def moved(changes: Iterable[T]) -> tuple[T, ...]:
        return tuple(
            msgspec.structs.replace(change, index=change.index + steps) for change in changes
        )

    return AccountChanges(
        account.address,
        tuple(SlotChanges(slot.slot, moved(slot.changes)) for slot in account.storage),
        account.reads,
        moved(account.balances),
        moved(account.nonces),
        moved(account.sequences),
        moved(account.codes),
    )


def _joined(parts: Sequence[AccountChanges]) -> AccountChanges:
    """Changes of one account, earlier ones first."""
    slots: dict[bytes, list[SlotChange]] = {}
    for slot in chain.from_iterable(part.storage for part in parts):
        slots.setdefault(slot.slot, []).extend(slot.changes)
    reads = {read for part in parts for read in part.reads} - set(slots)

    def all_of(pick: Callable[[AccountChanges], tuple[T, ...]]) -> tuple[T, ...]:
        return tuple(chain.from_iterable(map(pick, parts)))

    return AccountChanges(
        parts[0].address,
        tuple(SlotChanges(slot, tuple(changes)) for slot, changes in sorted(slots.items())),
        tuple(sorted(reads)),
        all_of(lambda part: part.balances),
        all_of(lambda part: part.nonces),
        all_of(lambda part: part.sequences),
        all_of(lambda part: part.codes),
    )


def _restored(changes: AccountChanges, before: State) -> AccountChanges:
    address = changes.address
    account = before.account(address)
    storage = [
        SlotChanges(slot.slot, (SlotChange(0, before.slot(address, slot.slot)),))
        for slot in changes.storage
    ]
    return AccountChanges(
        address,
        tuple(storage),
        (),
        (BalanceChange(0, U256(account.balance)),) if changes.balances else (),
        (CountChange(0, account.nonce),) if changes.nonces else (),
        (CountChange(0, account.sequence),) if changes.sequences else (),
        (CodeChange(0, before.code(address)),) if changes.codes else (),
    )
