"""A ledger in memory, with people who have coins, and contracts by name.

SentError      a request failed whose result was asked for
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from numen.base.codec import U256
from numen.base.crypto import SigningKey, keccak256
from numen.base.errors import NumenError
from numen.evm import abi
from numen.evm.contract import (
    Abi,
    Artifact,
    artifact_of,
    decode_event,
    decode_output,
    encode_input,
    function_of,
    with_arguments,
)
from numen.evm.revert import decode_revert
from numen.lang.contracts.build import Contract as Built
from numen.ledger import explain, looking, transactions, tree
from numen.ledger.cell import Account
from numen.ledger.deliver import Moment
from numen.ledger.ledger import Ledger
from numen.ledger.messages import Message
from numen.ledger.receipts import Receipt
from numen.ledger.sealed.envelope import public_key
from numen.ledger.sealed.keyring import SEALED, Keyring, seal_request
from numen.ledger.state.kv import KV, MemoryKV
from numen.ledger.transactions import Begun, Call, Transaction, begin, read, sign
from numen.ledger.tree import Record
from numen.ledger.world import World
from numen.vm.codes import Code, code_id, write_code
from numen.vm.contract import write_contract
from numen.vm.host import Address, Failure, Kind, Outcome

CHAIN: Final = 1337
"""Number of the ledger."""

COINS: Final = 10**24
"""Coins that each person begins with."""

WORK: Final = 10**8
"""Work units of a request, where nobody says otherwise."""

BLOCK_MS: Final = 1_000
"""Milliseconds from one block to the next."""

BLOCKS_MAX: Final = 10_000
"""Most blocks until a ledger is quiet, before the test is told that it never is."""


class SentError(NumenError):
    """A request failed whose result was asked for.

    Attributes:
        failure: Why.
    """

    def __init__(self, failure: Failure, said: str) -> None:
        super().__init__(said)
        self.failure = failure


class Person:
    """Somebody who signs.

    Attributes:
        address: 20 bytes.
        name: For trees.
        nonce: Transactions signed.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.key = SigningKey.from_seed(name.encode())
        self.address: Address = self.key.address
        self.nonce = 0

    def __repr__(self) -> str:
        return f"Person({self.name})"


class Chain:
    """A ledger for tests.

    Args:
        names: Of the people there are, each with `COINS`.
        price: Coins a unit of work.
        kv: Where the state lies; in memory if nothing is said.

    Attributes:
        people: Those who sign.
        ledger: The ledger itself.
        record: Everything that happened, by id.
    """

    def __init__(
        self,
        names: Sequence[str] = ("ann", "bob", "cleo", "dan", "eve"),
        price: int = 0,
        kv: KV | None = None,
    ) -> None:
        self.people = [Person(name) for name in names]
        accounts = ((person.address, Account(COINS)) for person in self.people)
        keys = Keyring(draw=_secret)
        self.world = World(kv if kv is not None else MemoryKV(), accounts, keys=keys)
        self.ledger = Ledger(CHAIN, self.world)
        self.record = Record()
        self._maker = SigningKey.from_seed(b"the maker of blocks")
        self._price = price
        self._contracts: dict[Address, Contract] = {}
        self._drawn = 0

    @property
    def height(self) -> int:
        """Of the last block."""
        return self.ledger.height

    def balance(self, who: Any) -> int:
        """Coins of a person, a contract or an address."""
        return self.world.peek(_address(who)).balance

    def deploy(
        self,
        made: Any,
        *args: Any,
        sender: Person | None = None,
        value: int = 0,
        work: int = WORK,
        name: str = "",
    ) -> "Contract":
        """Publish a contract's code and create it.

        Args:
            made: A `Code`, what `numen.lang.contracts.build` made, or what a compiler of EVM
                bytecode made, in any form that
                `numen.evm.contract.artifact_of` reads: its calls are then requests.
            args: Of the constructor.
            sender: Who creates it; the first person if nobody is named.
            value: Coins to begin with.
            work: Most work units.
            name: For trees.

        Raises:
            SentError: The constructor failed.
        """
        code, arguments, entries = _code_of(made, args)
        raw = write_code(code)
        creator = sender or self.people[0]
        private: frozenset[str] = frozenset()
        if isinstance(made, Built) and made.description.is_private:
            private = _private_names(made)
        call = Call(b"", U256(value), code_id(raw) + arguments, work)
        (sent,) = self._transact([call], creator, (raw,))
        sent.unwrap()
        address = sent.receipt.message.target
        name = name or f"contract {len(self._contracts)}"
        contract = Contract(self, address, entries, name, private)
        self._contracts[address] = contract
        return contract

    def at(self, address: Address, entries: Abi, name: str) -> "Contract":
        """A contract that is there already, by its address and ABI."""
        return self._contracts.setdefault(address, Contract(self, address, entries, name))

    def contract(self, address: Address) -> "Contract | None":
        """The contract of an address, if the chain knows it."""
        return self._contracts.get(address)

    def send_all(self, *requests: "Request", sender: Person | None = None) -> list["Sent"]:
        """Send several requests in one transaction, and wait until the ledger is quiet."""
        who = sender or self.people[0]
        return self._transact([self._call(r, who) for r in requests], who, ())

    def pay(self, to: Any, coins: int, sender: Person | None = None) -> "Sent":
        """Send coins alone."""
        (sent,) = self.send_all(Request(_address(to), b"", coins, 10**5), sender=sender)
        return sent

    def tree(self) -> str:
        """Everything that happened, a line each, a tree for each transaction."""
        lines: list[str] = []
        for root in self.record.roots:
            lines += explain.explain(self.record, root, self.name, self.call_of)
        return "\n".join(lines)

    def advance(self, blocks: int = 1) -> list[Receipt]:
        """Make blocks, in which timers run and what waits too long is told so."""
        receipts: list[Receipt] = []
        for _ in range(blocks):
            receipts += self._block(())
        return receipts

    def name(self, address: Address) -> str:
        """What people call an address."""
        known: list[Person | Contract] = [*self.people, *self._contracts.values()]
        return next((one.name for one in known if one.address == address), explain.short(address))

    def call_of(self, message: Message) -> str:
        """A request as a person would write it."""
        contract = self._contracts.get(message.target)
        if contract is None or message.kind is not Kind.REQUEST:
            return explain.payload(message)
        return contract.call_of(message.payload)

    def begin(self, requests: Iterable[tuple[Person, "Request"]], moment: Moment) -> list[Message]:
        """Sign requests, a transaction each, and give their messages without handing them over."""
        begun: list[Begun] = []
        for sender, request in requests:
            raw = self._sign((self._call(request, sender),), sender, ())
            begun += begin(self.world.cell(sender.address), read(raw, CHAIN), moment)
        return transactions.requests(begun, moment)

    def fresh(self) -> bytes:
        """32 bytes that look like chance and are the same in every run; for tests alone."""
        self._drawn += 1
        return keccak256(b"chance of tests", self._drawn.to_bytes(8, "big"))

    def _call(self, request: "Request", sender: Person) -> Call:
        payload = request.payload
        secrets = self.world.keys.of(request.to)
        if request.is_sealed and secrets is not None:
            payload = seal_request(
                payload, request.to, sender.address, secrets.public, self.fresh()
            )
        return Call(request.to, U256(request.value), payload, request.work)

    def _sign(self, calls: tuple[Call, ...], sender: Person, codes: tuple[bytes, ...]) -> bytes:
        until = self.height + 1
        transaction = Transaction(CHAIN, sender.nonce, self._price, until, calls, codes)
        sender.nonce += 1
        return sign(transaction, sender.key)

    def _transact(
        self, calls: Iterable[Call], sender: Person, codes: tuple[bytes, ...]
    ) -> list["Sent"]:
        receipts = self._block((self._sign(tuple(calls), sender, codes),))
        first = receipts[0].message.root if receipts else b""
        for _ in range(BLOCKS_MAX):
            if not self.ledger.pending:
                break
            receipts += self._block(())
        mine = [r for r in receipts if r.message.cause == first]
        return [Sent(self, receipt) for receipt in mine]

    def _block(self, transactions: Sequence[bytes]) -> list[Receipt]:
        time_ms = self.ledger.time_ms + BLOCK_MS
        made = self.ledger.make(transactions, time_ms, self._price, self._maker)
        if made.refused:
            raise NumenError(f"the transaction was refused: {made.refused[0].reason}")
        self.record.add(made.receipts)
        return list(made.receipts)


class Request(msgspec.Struct, frozen=True):
    """Something to send.

    Attributes:
        to: Whom to ask, 20 bytes.
        payload: What.
        value: Coins that go with it.
        work: Most work units.
        is_sealed: Whether it is sent so that only who has the contract's keys can read it.
    """

    to: Address
    payload: bytes
    value: int = 0
    work: int = WORK
    is_sealed: bool = False


class Contract:
    """A contract on a `Chain`.

    Attributes:
        address: 20 bytes.
        abi: What it can be asked.
        name: For trees.
        private: The names of messages that are sealed, and of views that only their asker sees.
    """

    def __init__(
        self,
        chain: Chain,
        address: Address,
        entries: Abi,
        name: str,
        private: frozenset[str] = frozenset(),
    ) -> None:
        self._chain = chain
        self.private = private
        self.address = address
        self.abi = entries
        self.name = name

    def send(
        self,
        name: str,
        *args: Any,
        sender: Person | None = None,
        value: int = 0,
        work: int = WORK,
    ) -> "Sent":
        """Send a request, and wait until the ledger is quiet.

        Args:
            name: Of the message, or its signature.
            args: Its arguments; people and contracts stand for their addresses.
            sender: Who asks.
            value: Coins that go with it.
            work: Most work units.
        """
        request = self.request(name, *args, value=value, work=work)
        (sent,) = self._chain.send_all(request, sender=sender)
        return sent

    def request(self, name: str, *args: Any, value: int = 0, work: int = WORK) -> Request:
        """A request that is not sent yet, for `Chain.send_all` and `explore`."""
        plain = [_plain(arg) for arg in args]
        entry = function_of(self.abi, name, len(plain))
        is_sealed = entry["name"] in self.private
        return Request(self.address, encode_input(entry, plain), value, work, is_sealed)

    def view(self, name: str, *args: Any, sender: Person | None = None) -> Any:
        """Look: ask a function that changes nothing, without a message.

        Raises:
            SentError: It failed.
        """
        entry = function_of(self.abi, name, len(args))
        payload = encode_input(entry, [_plain(arg) for arg in args])
        chain, who = self._chain, sender or self._chain.people[0]
        moment = Moment(chain.height, chain.ledger.time_ms, 0)
        if entry["name"] in self.private:
            outcome = self._look_sealed(payload, who, moment)
        else:
            outcome = looking.look(chain.world, self.address, payload, who.address, moment, WORK)
        if outcome.failure is not None:
            raise _error(outcome.failure, self.abi)
        return decode_output(entry, outcome.result)

    def _look_sealed(self, payload: bytes, who: Person, moment: Moment) -> Outcome:
        chain, reply_secret = self._chain, self._chain.fresh()
        secrets = chain.world.keys.of(self.address)
        assert secrets is not None, "who deployed it has its keys"
        question = looking.Look(self.address, payload, moment.height + 1, public_key(reply_secret))
        asked = looking.ask(question, who.key, secrets.public, chain.fresh())
        envelope = looking.answer(asked, self.address, chain.world, moment, chain.fresh())
        return looking.read(envelope, question, reply_secret)

    def call_of(self, payload: bytes) -> str:
        """A payload as a person would write it, as far as the ABI knows it."""
        if payload.startswith(SEALED):
            return "(sealed)"
        for entry in self.abi:
            if entry.get("type") == "function" and payload[:4] == _selector(entry):
                return str(entry["name"])
        return f"0x{payload[:4].hex()}"


class Sent:
    """A request that was sent, and all that followed.

    Attributes:
        receipt: What became of the request itself.
    """

    def __init__(self, chain: Chain, receipt: Receipt) -> None:
        self._chain = chain
        self.receipt = receipt

    @property
    def end(self) -> Receipt:
        """The receipt that ended it: the request's own, or of the last answer it waited for."""
        return tree.end(self._chain.record, self.receipt)

    @property
    def failure(self) -> Failure | None:
        """Why it failed, at once or after an answer, or None."""
        return self.end.failure

    @property
    def all(self) -> list[Receipt]:
        """It and all that followed, causes first."""
        branches = tree.tree(self._chain.record, self.receipt.message.id)
        return [branch.receipt for branch in branches]

    def unwrap(self) -> bytes:
        """Its result, ABI-encoded.

        Raises:
            SentError: It failed.
        """
        if self.failure is not None:
            contract = self._contract
            raise _error(self.failure, contract.abi if contract is not None else ())
        return self.end.result

    def result(self) -> Any:
        """What the function gave.

        Raises:
            SentError: It failed.
        """
        raw, contract = self.unwrap(), self._contract
        assert contract is not None, "its result is read by the contract's ABI"
        selector = self.receipt.message.payload[:4]
        entry = next(e for e in contract.abi if _selector(e) == selector)
        return decode_output(entry, raw)

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        """Events of all that followed that an ABI knows: name, and values by name."""
        found = []
        for receipt in self.all:
            contract = self._chain.contract(receipt.message.target)
            entries = contract.abi if contract is not None else ()
            found += [decode_event(entries, e.topics, e.data) for e in receipt.events]
        return [event for event in found if event is not None]

    @property
    def _contract(self) -> Contract | None:
        return self._chain.contract(self.receipt.message.target)

    def tree(self) -> str:
        """It and all that followed, a line each."""
        lines = explain.explain(
            self._chain.record, self.receipt.message.id, self._chain.name, self._chain.call_of
        )
        return "\n".join(lines)


def _code_of(made: Any, args: Sequence[Any]) -> tuple[Code, bytes, Abi]:
    plain = [_plain(arg) for arg in args]
    if isinstance(made, Built):
        arguments = with_arguments(Artifact(b"", made.abi), plain)
        return Code("numen", write_contract(made)), arguments, made.abi
    if isinstance(made, Code):
        return made, b"".join(plain), ()
    artifact = artifact_of(made)
    arguments = with_arguments(Artifact(b"", artifact.abi), plain)
    return Code("evm", artifact.code), arguments, artifact.abi


def _secret(contract: Address) -> bytes:
    """The secret of a contract's keys: the same for all ledgers of tests."""
    return keccak256(b"a secret of tests", contract)


def _private_names(made: Built) -> frozenset[str]:
    entries = made.description.entries
    return frozenset(e.name for e in entries if e.takes_private or e.gives_private)


def _plain(value: Any) -> Any:
    return value.address if isinstance(value, Person | Contract) else value


def _address(who: Any) -> Address:
    found: Address = _plain(who)
    return found


def _selector(entry: Mapping[str, Any]) -> bytes:
    return abi.selector(abi.signature(entry)) if entry.get("type") == "function" else b""


def _error(failure: Failure, entries: Abi) -> SentError:
    said = decode_revert(failure.data, entries).reason if failure.data else ""
    parts = [failure.reason.value, said or failure.detail]
    return SentError(failure, ": ".join(part for part in parts if part))
