"""A stage for one or more contracts: deliveries are played by hand, on both engines at once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numen.base.crypto import keccak256
from numen.lang.contracts.build import Contract, build
from numen.lang.modules import Texts
from numen.vm.contract import ContractService
from numen.vm.host import Continuation, Delivery, Kind, Outcome, Slots

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "contracts"

ALICE, BOB, CAROL = (bytes([0xA0 + i]) * 20 for i in range(3))
HERE = b"\x11" * 20
WORK = 10**7


class State(dict[int, int], Slots):
    """The slots of one contract."""

    def load(self, key: int) -> int:
        return self.get(key, 0)


def compiled(text: str, name: str = "", **modules: str) -> Contract:
    """A contract of a text, with the texts of what it imports."""
    return build(text, file="test.numen", name=name, resolver=Texts(modules))


def example(name: str, contract: str = "") -> Contract:
    """A contract of the examples."""
    return build((EXAMPLES / f"{name}.py").read_text(), file=f"{name}.py", name=contract)


def words(*values: int | bytes | bool) -> bytes:
    """Static values of the ABI: numbers, truths, addresses of 20 bytes."""
    return b"".join(
        value.rjust(32, b"\0") if isinstance(value, bytes) else (value % 2**256).to_bytes(32, "big")
        for value in values
    )


def selector(signature: str) -> bytes:
    return keccak256(signature.encode())[:4]


def call(signature: str, *values: int | bytes | bool) -> bytes:
    """The payload of a request."""
    return selector(signature) + words(*values)


def number(raw: bytes, index: int = 0) -> int:
    """A word of a result."""
    return int.from_bytes(raw[32 * index : 32 * index + 32], "big")


class Stage:
    """One contract with its slots; the interpreter and native code must say the same."""

    def __init__(self, contract: Contract, address: bytes = HERE) -> None:
        self.contract = contract
        self.address = address
        self.state = State()
        self.balance = 0
        self.height, self.time_ms = 100, 1_700_000_000_000
        self.engines: Sequence[Any] = [
            ContractService(contract.program, contract.description, engine=engine)
            for engine in ("jit", "interp")
        ]

    def play(
        self,
        kind: Kind,
        payload: bytes = b"",
        *,
        sender: bytes = ALICE,
        value: int = 0,
        work: int = WORK,
        continuation: Continuation | None = None,
    ) -> Outcome:
        """Deliver on both engines, and keep what changed."""
        delivery = Delivery(
            kind, self.address, sender, value, payload, work,
            self.height, self.time_ms, self.balance + value, continuation,
        )  # fmt: skip
        native, read = (engine.handle(delivery, self.state) for engine in self.engines)
        assert native == read
        if native.failure is None:
            self.state.update(native.writes)
            self.balance += value
        else:
            assert not native.writes
            assert not native.effects
        return native

    def create(self, *values: int | bytes, **options: Any) -> Outcome:
        outcome = self.play(Kind.CREATE, words(*values), **options)
        assert outcome.failure is None, outcome.failure
        return outcome

    def ask(self, signature: str, *values: int | bytes | bool, **options: Any) -> Outcome:
        return self.play(Kind.REQUEST, call(signature, *values), **options)

    def told(self, signature: str, *values: int | bytes | bool, **options: Any) -> Outcome:
        """A request that must succeed."""
        outcome = self.ask(signature, *values, **options)
        assert outcome.failure is None, outcome.failure
        return outcome

    def look(self, signature: str, *values: int | bytes | bool) -> bytes:
        outcome = self.play(Kind.VIEW, call(signature, *values))
        assert outcome.failure is None, outcome.failure
        return outcome.result

    def answer(self, waiting: Outcome, *values: int | bytes | bool, **options: Any) -> Outcome:
        """Give an answer to the last thing that an outcome waits for."""
        asked = waiting.effects[-1]
        return self.play(
            Kind.REPLY, words(*values), sender=asked.to, continuation=asked.continuation, **options
        )

    def bounce(self, waiting: Outcome, **options: Any) -> Outcome:
        """Let the last thing that an outcome waits for come back."""
        asked = waiting.effects[-1]
        return self.play(
            Kind.BOUNCE,
            b"",
            sender=asked.to,
            value=asked.value,
            continuation=asked.continuation,
            **options,
        )


def refusal(outcome: Outcome) -> str:
    """Why a contract refused, as its text says it."""
    failure = outcome.failure
    assert failure is not None
    assert failure.data[:4] == selector("Error(string)")
    size = number(failure.data[4:], 1)
    return failure.data[68 : 68 + size].decode()
