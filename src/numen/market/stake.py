"""Stakes and pledges: what workers and verifiers have to lose.

A staker holds coins in its stake; each seat it takes binds a part of them as a pledge to that
task. Pledged coins cannot leave, and unbonding takes longer than any dispute, so what is
promised is always there to be taken. A fine is split: one half to who brought the evidence,
the other burnt, so that reporting oneself costs more than it brings.

    StakeError
    ├── NotStakedError     the account holds no stake in this role
    ├── BoundError         the stake is bound by open pledges, or is leaving already
    ├── TooEarlyError      the unbonding period has not passed
    └── TwiceError         the seat has been closed or fined already
"""

from enum import Enum

import msgspec

from numen.base.errors import NumenError
from numen.market.coins import BURNT, Account, Ledger, Pocket, Transfer, wallet

STAKERS_MAX = 4096
"""Most accounts with a stake."""

STAKE_MIN = 1_000
"""Least stake of anyone, in coins: what a new identity costs."""

UNBONDING_MS = 3_600_000
"""How long a stake stays after its owner asked for it. Longer than any task lives."""


class Role(Enum):
    """What a stake is for."""

    WORKER = "worker"
    VERIFIER = "verifier"


class Staker(msgspec.Struct, frozen=True):
    """An account with a stake.

    Attributes:
        role: What it does.
        leaves_ms: When its stake can be withdrawn; None while it takes part.
    """

    role: Role
    leaves_ms: int | None = None


class Stakes(msgspec.Struct, frozen=True):
    """Who has a stake, and which of it is bound.

    Attributes:
        stakers: By account.
        bound: Coins pledged, by task and worker; absent when released or fined.
    """

    stakers: dict[bytes, Staker] = {}
    bound: dict[tuple[bytes, bytes], int] = {}

    def bound_of(self, owner: bytes) -> int:
        """Coins that an account has pledged. Cost: linear in all pledges."""
        return sum(coins for (_, worker), coins in self.bound.items() if worker == owner)

    def is_active(self, owner: bytes, role: Role) -> bool:
        """Tell whether an account takes part in a role."""
        staker = self.stakers.get(owner)
        return staker is not None and staker.role is role and staker.leaves_ms is None


class StakeError(NumenError):
    """Root of why a stake cannot do what was asked."""


class NotStakedError(StakeError):
    """The account has no active stake in a role.

    Attributes:
        owner: The account.
        role: The role.
    """

    def __init__(self, owner: bytes, role: Role) -> None:
        super().__init__(f"0x{owner.hex()} is not staked as {role.value}")
        self.owner = owner
        self.role = role


class BoundError(StakeError):
    """The stake is bound."""


class TooEarlyError(StakeError):
    """The stake is still unbonding.

    Attributes:
        leaves_ms: When it can be withdrawn.
    """

    def __init__(self, leaves_ms: int) -> None:
        super().__init__(f"the stake is free at {leaves_ms} ms")
        self.leaves_ms = leaves_ms


class TwiceError(StakeError):
    """A pledge is released or fined a second time, or bound twice."""


def stake_of(owner: bytes) -> Account:
    """Name the unbound stake of an account."""
    return Account(Pocket.STAKE, owner)


def pledge_of(task: bytes, worker: bytes) -> Account:
    """Name what a worker has pledged to a task."""
    return Account(Pocket.PLEDGE, worker, task)


def join(
    stakes: Stakes, ledger: Ledger, owner: bytes, role: Role, amount: int
) -> tuple[Stakes, tuple[Transfer, ...]]:
    """Put up a stake, or add to it.

    Raises:
        BoundError: The account has a stake in the other role or is leaving; or there is no room.
        NotStakedError: The stake would be less than `STAKE_MIN`.
    """
    staker = stakes.stakers.get(owner, Staker(role))
    if staker.role is not role or staker.leaves_ms is not None:
        raise BoundError("the account has another stake, or its stake is leaving")
    if owner not in stakes.stakers and len(stakes.stakers) >= STAKERS_MAX:
        raise BoundError(f"{STAKERS_MAX} accounts have a stake already")
    if ledger.balance(stake_of(owner)) + amount < STAKE_MIN:
        raise NotStakedError(owner, role)
    moves = (Transfer(wallet(owner), stake_of(owner), amount, "stake"),)
    return msgspec.structs.replace(stakes, stakers={**stakes.stakers, owner: staker}), moves


def leave(stakes: Stakes, owner: bytes, now_ms: int) -> Stakes:
    """Ask for one's stake back.

    Raises:
        NotStakedError: There is none.
        BoundError: Open pledges bind it, or it was asked for already.
    """
    staker = stakes.stakers.get(owner)
    if staker is None:
        raise NotStakedError(owner, Role.WORKER)
    if staker.leaves_ms is not None or any(worker == owner for _, worker in stakes.bound):
        raise BoundError("the stake is bound by pledges, or is leaving already")
    leaving = Staker(staker.role, now_ms + UNBONDING_MS)
    return msgspec.structs.replace(stakes, stakers={**stakes.stakers, owner: leaving})


def withdraw(
    stakes: Stakes, ledger: Ledger, owner: bytes, now_ms: int
) -> tuple[Stakes, tuple[Transfer, ...]]:
    """Take a stake out after its unbonding.

    Raises:
        NotStakedError: There is none.
        TooEarlyError: It was not asked for, or its time has not come.
    """
    staker = stakes.stakers.get(owner)
    if staker is None:
        raise NotStakedError(owner, Role.WORKER)
    if staker.leaves_ms is None or now_ms < staker.leaves_ms:
        raise TooEarlyError(staker.leaves_ms or now_ms + UNBONDING_MS)
    rest = {account: s for account, s in stakes.stakers.items() if account != owner}
    source = stake_of(owner)
    moves = (Transfer(source, wallet(owner), ledger.balance(source), "unstake"),)
    return msgspec.structs.replace(stakes, stakers=rest), moves


def bind(
    stakes: Stakes, task: bytes, worker: bytes, amount: int
) -> tuple[Stakes, tuple[Transfer, ...]]:
    """Bind a part of a worker's stake to a task. The ledger refuses more than there is.

    Raises:
        NotStakedError: The worker has no active stake.
        TwiceError: It has pledged to this task already.
    """
    if not stakes.is_active(worker, Role.WORKER):
        raise NotStakedError(worker, Role.WORKER)
    if (task, worker) in stakes.bound:
        raise TwiceError("the worker has pledged to this task already")
    bound = {**stakes.bound, (task, worker): amount}
    moves = (Transfer(stake_of(worker), pledge_of(task, worker), amount, "pledge"),)
    return msgspec.structs.replace(stakes, bound=bound), moves


def close(
    stakes: Stakes, task: bytes, worker: bytes, fine: int, reporter: bytes
) -> tuple[Stakes, tuple[Transfer, ...]]:
    """End a pledge: take the fine, give back the rest.

    Args:
        stakes: Who has what bound.
        task: Id of the task.
        worker: Whose pledge.
        fine: Coins to take, at most the pledge; 0 when nothing is wrong.
        reporter: Who brought the evidence.

    Raises:
        TwiceError: There is no open pledge.
    """
    pledged = stakes.bound.get((task, worker))
    if pledged is None:
        raise TwiceError("the pledge is closed already")
    assert 0 <= fine <= pledged
    source, reward = pledge_of(task, worker), fine // 2
    moves = (
        Transfer(source, wallet(reporter), reward, "report"),
        Transfer(source, BURNT, fine - reward, "burn"),
        Transfer(source, stake_of(worker), pledged - fine, "release"),
    )
    rest = {seat: held for seat, held in stakes.bound.items() if seat != (task, worker)}
    return msgspec.structs.replace(stakes, bound=rest), tuple(m for m in moves if m.amount)
