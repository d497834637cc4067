"""States to come back to, and what is different between two of them."""

from collections.abc import Iterator, Mapping

from numen.evm.errors import EvmError
from numen.evm.state import Account, AccountDiff, Change, State, StateDiff

_NOBODY = Account()


class UnknownSnapshotError(EvmError):
    """There is no such snapshot, or a return to an earlier one has ended it."""


def difference(before: State, after: State) -> StateDiff:
    """Say how one state differs from another.

    Cost: linear in the number of accounts, and in the storage of those that differ.
    """
    old, new = before.accounts, after.accounts
    # Accounts never change in place, but for the storage of one that no copy shares.
    changed = [a for a in {**old, **new} if old.get(a) is not new.get(a)]
    diffs = (_account_difference(a, old.get(a), new.get(a)) for a in sorted(changed))
    return StateDiff(tuple(diff for diff in diffs if not diff.is_nothing))


def _account_difference(address: bytes, old: Account | None, new: Account | None) -> AccountDiff:
    before, after = old or _NOBODY, new or _NOBODY

    def numbers(one: int, other: int) -> Change | None:
        return None if one == other else (one, other)

    return AccountDiff(
        address=address,
        existed=old is not None,
        exists=new is not None,
        nonce=numbers(before.nonce, after.nonce),
        balance=numbers(before.balance, after.balance),
        code=None if before.code == after.code else (before.code, after.code),
        storage=dict(_words(before.storage, after.storage)),
    )


def _words(old: Mapping[int, int], new: Mapping[int, int]) -> Iterator[tuple[int, Change]]:
    for key in sorted({**old, **new}):
        before, after = old.get(key, 0), new.get(key, 0)
        if before != after:
            yield key, (before, after)
