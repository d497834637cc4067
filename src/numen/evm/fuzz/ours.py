"""Our own engines, asked in the same way as the judges."""

from numen.evm import engines, forks
from numen.evm.forks import Fork
from numen.evm.fuzz.case import Case, Outcome, Trial, World, delegate_of, status_of, warm_addresses
from numen.evm.message import Result
from numen.evm.state import State
from numen.evm.substate import Substate


class Engine:
    """One of our engines, by its name in `engines.ENGINES`, in the manner of a judge."""

    forks = frozenset(forks.FORKS)

    def __init__(self, name: str) -> None:
        self.name = name

    def adapted(self, case: Case) -> Case:
        return case

    def prepare(self, case: Case) -> Trial:
        return EngineTrial(self.name, case)


class EngineTrial:
    """A case on an engine made for it."""

    def __init__(self, engine: str, case: Case) -> None:
        fork = forks.fork(case.fork)
        self._case, self._state = case, State(case.pre)
        self.machine = engines.make(engine, fork, self._state)
        self._result: Result | None = None
        start(self.machine, fork, case)

    def run(self) -> None:
        self._result = self.machine.run(self._case.message)

    def outcome(self, seen: World) -> Outcome:  # noqa: ARG002 - it lists its accounts itself
        machine, result = self.machine, self._result
        assert result is not None, "it has not run"
        logs = machine.logs()
        machine.finish()
        self._state.apply(machine.take_diff())
        status = status_of(result.halt)
        is_made = self._case.message.to is None and status == "success"
        return Outcome(
            status=status,
            gas_left=result.gas_left,
            output=b"" if is_made or status == "failure" else result.output,
            logs=logs,
            post=dict(self._state.accounts),
        )


def start(machine: Substate, fork: Fork, case: Case) -> None:
    """Begin a transaction for a case: what is warm, and the nonce that a creation counts up."""
    caller, target = case.message.caller, case.message.to
    machine.set_block(case.block)
    machine.set_context(case.context)
    machine.begin()
    machine.warm_all(warm_addresses(fork, case))
    if target is None:
        machine.set_nonce(caller, machine.nonce(caller) + 1)
    elif fork.has_delegations:
        delegate = delegate_of(machine.code(target))
        if delegate is not None:
            machine.warm(delegate)
