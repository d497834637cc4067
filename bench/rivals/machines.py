"""Sides of a contest of EVMs: the same message again and again, from the same cold state.

A side keeps nothing: it runs, reads status, gas and output, and undoes. That is what `eth_call`
asks of a node.
"""

import contextlib
import io
import secrets
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import msgspec

from numen.evm import engines, forks
from numen.evm.block import Block, Context
from numen.evm.fuzz import ours as our_engines
from numen.evm.fuzz.case import Case, warm_addresses
from numen.evm.message import Message, Result
from numen.evm.state import Account, State
from numen.evm.substate import Substate

NOWHERE = b"\xe0" * 20
"""An account without code."""

Answer = tuple[bool, int, bytes]
"""Success, gas used, output."""

try:
    from numen.evm.fuzz.judges.revm import RevmJudge
except ImportError:
    RevmJudge = None  # type: ignore[assignment,misc]

try:
    # It says on loading that some optional module is absent.
    with contextlib.redirect_stderr(io.StringIO()):
        from numen.evm.fuzz.judges.pyevm import PyEvmJudge
except ImportError:
    PyEvmJudge = None  # type: ignore[assignment,misc]


class Ours:
    """One of our engines over the world of a case."""

    def __init__(self, case: Case, engine: str) -> None:
        self.case, self.fork = case, forks.fork(case.fork)
        self.machine: Substate = engines.make(engine, self.fork, State(case.pre))
        # Block and transaction stay as they are, as they do on the other side.
        our_engines.start(self.machine, self.fork, case)
        self._warm = warm_addresses(self.fork, case)

    def warm_up(self) -> None:
        """Call an account without code, so that the machine has run."""
        self.run(msgspec.structs.replace(self.case.message, to=NOWHERE, data=b"", value=0))

    def __call__(self) -> Answer:
        return self.run(self.case.message)

    def run(self, message: Message) -> Answer:
        """Run a message and undo it."""
        machine = self.machine
        machine.begin()
        machine.warm_all(self._warm)
        moment = machine.snapshot()
        result = machine.run(message)
        machine.revert(moment)
        return answer_of(self.case, result)


def answer_of(case: Case, result: Result) -> Answer:
    """Read a result of ours."""
    output = b"" if result.halt.is_failure else result.output
    return result.success, case.message.gas - result.gas_left, output


def revm(case: Case) -> Callable[[], Answer] | None:
    """Give pyrevm on a case; None where it is not installed."""
    if RevmJudge is None:
        return None
    return RevmJudge().prepare(case).rerun  # type: ignore[attr-defined,no-any-return]


def fresh_revm(case: Case) -> tuple[Callable[[], object], Callable[[], Answer]] | None:
    """Give pyrevm's first call: how to make it new, and the call."""
    if RevmJudge is None:
        return None
    box: list[Callable[[], Answer]] = []

    def make() -> None:
        trial: Any = RevmJudge().prepare(case)
        trial.warm_up()
        box[:] = [trial.rerun]

    def call() -> Answer:
        return box[0]()

    return make, call


def pyevm_seconds(case: Case) -> tuple[float, Answer] | None:
    """One run of py-evm, which is too slow for more; None where it is not installed."""
    if PyEvmJudge is None:
        return None
    trial = PyEvmJudge().prepare(case)
    start = time.perf_counter()
    trial.run()
    seconds = time.perf_counter() - start
    outcome = trial.outcome({})
    gas = case.message.gas - outcome.gas_left
    return seconds, (outcome.status == "success", gas, outcome.output)


def pyevm_transactions(
    accounts: Mapping[bytes, Account], block: Block, raw: list[bytes], root_every: int
) -> float:
    """Seconds of the processor for signed transactions, and roots, in py-evm."""
    eth = import_module("eth.vm.forks.prague")
    case = Case("", "prague", block, Context(bytes(20)), accounts, Message(bytes(20), bytes(20)))
    trial = PyEvmJudge().prepare(case)
    state = trial._state  # type: ignore[attr-defined]  # noqa: SLF001 - as the judge filled it
    builder = eth.PragueVM.get_transaction_builder()
    start = time.process_time()
    for index, one in enumerate(raw, 1):
        computation = state.apply_transaction(builder.decode(one))
        assert computation.is_success
        state.lock_changes()
        if index % root_every == 0:
            state.make_state_root()
    return time.process_time() - start


def first_calls(case: Case, engine: str) -> tuple[Callable[[], None], Callable[[], Answer]]:
    """Our first call of a contract never seen: how to make a new machine, and the call.

    A few bytes behind the code, which nothing reaches, make it one that no cache knows.
    """
    box: list[Ours] = []
    target = case.message.to
    assert target is not None

    def make() -> None:
        known = case.pre[target]
        code = known.code + b"\0" + secrets.token_bytes(8) if known.code else b""
        pre = {**case.pre, target: msgspec.structs.replace(known, code=code)}
        box[:] = [Ours(msgspec.structs.replace(case, pre=pre), engine)]
        box[0].warm_up()

    def call() -> Answer:
        return box[0]()

    return make, call
