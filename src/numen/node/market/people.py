"""Those who take part in a market between processes: they join, stake and work.

PoorError    an account has fewer coins than it wants to put up
"""

from collections.abc import Iterable, Iterator
from typing import Final

from numen.base.crypto import SigningKey
from numen.base.errors import NumenError
from numen.market.actor import Act, Attester, Do, Executor, Parcel
from numen.market.coins import wallet
from numen.market.escrow import deposit_of, reserve_of
from numen.market.exchange import Post, Verb
from numen.market.message import Call, sign
from numen.market.task import Hardware, Optimistic, Task
from numen.market.turn import Market
from numen.market.verifier import AUDIT_ONE_IN, Verifier
from numen.market.worker import Profile, Tools, Worker
from numen.node.market.prover import ProcessProver
from numen.node.market.runs import Runs
from numen.node.market.tools import Equipped, Goods, Walks, dice_of

STAKE: Final = 1_000_000
"""What workers and verifiers put at risk, in coins, where they do not say."""

CALL_AGAIN_MS: Final = 2_000
"""After how long a call that did not arrive is made again."""


class PoorError(NumenError):
    """An account has fewer coins than it wants to put up."""

    def __init__(self, verb: Verb, amount: int, balance: int) -> None:
        super().__init__(
            f"to {verb.value} takes {amount:,} coins, and the account has {balance:,}",
            hint="put up less, or act with an account that has more",
        )


class Joined:
    """An actor that first calls what it needs: a stake, or a deposit and a reserve.

    Args:
        actor: Who acts after that.
        key: Its account.
        calls: Verbs and coins, each made once unless the market shows that it was.
    """

    def __init__(self, actor: Equipped, key: SigningKey, calls: Iterable[tuple[Verb, int]]) -> None:
        self._actor, self._key = actor, key
        self._calls = tuple(calls)
        self._asked_ms: dict[Verb, int] = {}
        self.lacks, self.bring, self.made = actor.lacks, actor.bring, actor.made
        self.listen, self.watch = actor.listen, actor.watch

    @property
    def address(self) -> bytes:
        return self._key.address

    @property
    def is_quick(self) -> bool:
        return self._actor.is_quick

    def wake(self, market: Market, now_ms: int) -> Iterator[Act]:
        """Call what is not called yet, then act.

        Raises:
            PoorError: The account has coins, and not enough; without any it waits for some.
        """
        for verb, amount in self._calls:
            if _is_done(market, self.address, verb):
                continue
            balance = market.coins.balance(wallet(self.address))
            if 0 < balance < amount:
                raise PoorError(verb, amount, balance)
            is_due = now_ms - self._asked_ms.get(verb, -CALL_AGAIN_MS) >= CALL_AGAIN_MS
            if is_due and balance >= amount:
                self._asked_ms[verb] = now_ms
                nonce = market.nonces.get(self.address, 0)
                call = Call(market.identity, self.address, nonce, verb.value, amount)
                yield Do(Post(sign(self._key, call)), 0)
            return  # one after the other: calls are numbered
        yield from self._actor.wake(market, now_ms)

    def has_called(self, market: Market) -> bool:
        """Tell whether the market shows every call."""
        return all(_is_done(market, self.address, verb) for verb, _ in self._calls)

    def receive(self, parcel: Parcel, market: Market, now_ms: int) -> Iterable[Act]:
        return self._actor.receive(parcel, market, now_ms)


def worker(
    key: SigningKey,
    profile: Profile,
    goods: Goods,
    machine: Executor,
    stake: int = STAKE,
    prover: ProcessProver | None = None,
    attester: Attester | None = None,
) -> Joined:
    """A worker of a market between processes.

    Args:
        key: Its account.
        profile: How it goes about its work.
        goods: What it has; of one that proves, with keys.
        machine: Runs programs; where it is `Runs`, the worker waits for none of them.
        stake: What it puts at risk, in coins.
        prover: Makes proofs; None for one that sells none.
        attester: Trusted hardware; None for one that has none.
    """
    walks = Walks(goods)

    def is_able(task: Task) -> bool | None:
        if isinstance(task.policy, Optimistic):
            return walks.is_able(task)
        if isinstance(task.policy, Hardware):
            return attester is not None and attester.is_able(task)
        return prover is None or prover.is_able(task)

    tools = Tools(
        machine, prover, goods.inputs, goods.estimate,
        attester=attester, walker=walks, is_able=is_able,
    )  # fmt: skip
    actor = Worker(key, profile, tools, dice_of(key, "worker"), is_prompt=True)
    equipped = Equipped(actor, goods, machine if isinstance(machine, Runs) else None)
    return Joined(equipped, key, [(Verb.JOIN_AS_WORKER, stake)])


def verifier(
    key: SigningKey,
    goods: Goods,
    machine: Executor,
    stake: int = STAKE,
    audit_one_in: int = AUDIT_ONE_IN,
) -> Joined:
    """A verifier of a market between processes; with `Runs` for a machine, it waits for none."""
    dice = dice_of(key, "verifier")
    actor = Verifier(key, machine, goods.inputs, dice, is_prompt=True, audit_one_in=audit_one_in)
    equipped = Equipped(actor, goods, machine if isinstance(machine, Runs) else None)
    return Joined(equipped, key, [(Verb.JOIN_AS_VERIFIER, stake)])


def _is_done(market: Market, owner: bytes, verb: Verb) -> bool:
    match verb:
        case Verb.JOIN_AS_WORKER | Verb.JOIN_AS_VERIFIER:
            return owner in market.stakes.stakers
        case Verb.DEPOSIT:
            return market.coins.balance(deposit_of(owner)) > 0
        case Verb.RESERVE:
            return market.coins.balance(reserve_of(owner)) > 0
        case _:
            return False
