"""A market and its contract, which are told the same and must come to the same."""

from collections.abc import Iterable

from msgspec import structs

from numen.market import exchange
from numen.market.coins import OUTSIDE
from numen.market.contracts import artifact
from numen.market.contracts.asks import Ask, asks, funded, require_judgeable
from numen.market.contracts.books import Books, of_contract, of_market
from numen.market.exchange import Post, Submission
from numen.market.message import Call, sign
from numen.market.play import Opening, Play
from numen.market.turn import Market
from numen.testing import Chain
from tests.market import byhand


class Twin:
    """The contract of a market, on a ledger in memory.

    Attributes:
        chain: The ledger.
        contract: The contract.
        number: How much it was told.
    """

    def __init__(self, market: Market) -> None:
        self.chain = Chain()
        identity = int.from_bytes(market.identity, "big")
        separator = int.from_bytes(market.escrow.domain.separator(), "big")
        self.contract = self.chain.deploy(
            artifact.contract(), identity, separator, 0, name="market"
        )
        self.number = 0
        holders = ((account.owner, held) for account, held in market.coins.balances.items())
        self.tell((funded(*each) for each in holders), 0)

    def ask(self, ask: Ask, at_ms: int, *, sender=None, number: int | None = None):
        """Tell the contract something, and give what became of it."""
        self.chain.ledger.time_ms = max(self.chain.ledger.time_ms, at_ms)
        first = (self.number if number is None else number, at_ms)
        return self.contract.send(ask.name, *first, *ask.args, value=ask.value, sender=sender)

    def tell(self, given: Iterable[Ask], at_ms: int) -> None:
        """Tell the contract what it must accept."""
        for ask in given:
            self.ask(ask, at_ms).unwrap()
            self.number += 1

    def refusal(self, ask: Ask, at_ms: int, **changes) -> str:
        """Tell the contract what it must refuse, changing nothing; the reason."""
        before = self.books
        failure = self.ask(ask, at_ms, **changes).failure
        assert failure is not None, ask
        assert self.books == before
        return failure.data[68:].rstrip(b"\0").decode() or failure.reason.value

    def step(self, before: Market, submission: Submission, now_ms: int, checker):
        """Carry out a step on both sides, and compare their books."""
        require_judgeable(submission)
        after, happened = exchange.step(before, submission, now_ms, checker)
        self.tell(asks(before, after, submission, happened), now_ms)
        return after, happened

    @property
    def books(self) -> Books:
        """What the contract has in its books."""
        return of_contract(self.contract.view)

    def require_equal(self, market: Market) -> None:
        """Both have the same books, and the contract the coins that are in them.

        Nobody here has coins of the ledger but those that left the market.
        """
        assert self.books == of_market(market)
        left = sum(self.chain.balance(person.owner) for person in self.books.people)
        assert left == market.coins.balance(OUTSIDE)
        here = market.coins.total() - market.coins.balance(OUTSIDE)
        assert self.chain.balance(self.contract) == here


class TwinOpening(Opening):
    """An opening that tells a contract of each call.

    Attributes:
        twin: The contract.
    """

    def __init__(self, market, checker) -> None:
        super().__init__(structs.replace(market, on_ledger=True), checker)
        self.twin = TwinOpening.latest = Twin(market)

    def call(self, key, verb, amount) -> None:
        before, nonce = self.market, self.market.nonces.get(key.address, 0)
        super().call(key, verb, amount)
        call = Post(sign(key, Call(before.identity, key.address, nonce, verb.value, amount)))
        self.twin.tell(asks(before, self.market, call, self.events[-1:]), 0)


class TwinPlay(Play):
    """A play whose steps are told to the contract of the latest opening."""

    def __init__(self, market, actors, checker) -> None:
        super().__init__(market, actors, checker)
        self.twin = TwinOpening.latest

    def _submit(self, submission):
        before = self.market
        self.market, happened = self.twin.step(before, submission, self.now_ms, self._checker)
        if self.market is not before and not isinstance(submission, exchange.Tick):
            self.twin.require_equal(self.market)
        yield from self._record(happened)


class TwinDesk(byhand.Desk):
    """A market driven by hand, told to the contract of the latest opening."""

    checker = byhand.NOTARY

    def submit(self, submission):
        self.twin = TwinOpening.latest
        before = self.market
        self.market, happened = self.twin.step(before, submission, self.now, self.checker)
        self.twin.require_equal(self.market)
        return happened
