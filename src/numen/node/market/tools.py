"""What workers and verifiers of a market between processes work with: goods, and a sandbox.

Programs of strangers run in `numen.sandbox`, each in a process of its own. Who cannot run a task
there within its limits of memory and time leaves it alone from then on, and says nothing: those
limits are of one machine, and what it said might differ from what others find.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from numen.base.codec import digest
from numen.base.crypto import SigningKey
from numen.base.errors import NumenError
from numen.ir.program import Program
from numen.market.actor import Act, Actor, Answer, Parcel
from numen.market.contracts.asks import TEXT_MAX
from numen.market.dice import Dice
from numen.market.message import ANSWER_MAX_BYTES
from numen.market.resale import Store, in_question
from numen.market.task import Hardware, Optimistic, Snark, Stark, Task, task_id
from numen.market.turn import Market
from numen.node.market.goods import program_of
from numen.node.market.replica import Replica
from numen.node.market.runs import NotYetError, Runs
from numen.proof.statement import commit_inputs
from numen.sandbox.errors import SandboxError
from numen.vm.machine import Result
from numen.vm.payload import decode_inputs, encode_output
from numen.vm.walk import Walk, walk

GOODS_MAX: Final = 4096
"""Most programs, and most inputs, that a member keeps; the oldest go first."""

KEPT_BYTES_MAX: Final = 512 << 20
"""Most bytes of inputs and keys that it keeps."""

SNARK_WORK: Final = 2_000_000
SNARK_WORK_A_BYTE: Final = 4
STARK_WORK: Final = 20_000_000
"""Work units that a worker reckons for a proof: with a key, also for each byte of that."""

WALKS_MAX: Final = 4
"""Walks that are kept."""

WALK_STEPS_MAX: Final = 1 << 30
"""Longest run that is walked: each move of a contest may have to take as many steps again, at some
nanoseconds a step, and is due in seconds."""

_LOG: Final = logging.getLogger("numen.market")
_DICE_DOMAIN: Final = "numen/dice-seed/1"


class Goods:
    """Programs and inputs that a member has, and what it found out about them.

    Args:
        proves: Whether it wants the keys of proofs too.

    Attributes:
        inputs: Inputs by their commitments, and all that is no program.
        answer_max: Bytes of the longest answer that can be challenged where the market is settled.
        made: Goods that it made itself, and that others have to have.
    """

    def __init__(self, *, proves: bool = False) -> None:
        self._proves = proves
        self.made: list[bytes] = []
        self.programs: dict[bytes, Program] = {}
        self.inputs: dict[bytes, bytes] = {}
        self.answer_max = ANSWER_MAX_BYTES
        self.work: dict[tuple[bytes, bytes], int] = {}
        self._given_up: set[tuple[bytes, bytes]] = set()

    def add(self, raw: bytes) -> None:
        """Take goods, whatever they are."""
        program = program_of(raw)
        if program is None:
            _keep(self.inputs, commit_inputs(raw), raw)
            while len(self.inputs) > 1 and sum(map(len, self.inputs.values())) > KEPT_BYTES_MAX:
                del self.inputs[next(iter(self.inputs))]
        else:
            _keep(self.programs, program.id, program)

    def lacks(self, task: Task) -> Iterator[bytes]:
        """Name what a task needs and is not here."""
        if task.program not in self.programs:
            yield task.program
        for name in (task.inputs, *(_keys_of(task) if self._proves else ())):
            if name not in self.inputs:
                yield name

    def has(self, task: Task) -> bool:
        """Whether a task can be run."""
        return not any(self.lacks(task)) and (task.program, task.inputs) not in self._given_up

    def give_up(self, program: bytes, inputs: bytes) -> None:
        """Leave tasks of this program on these inputs alone."""
        if len(self._given_up) >= GOODS_MAX:
            self._given_up.clear()
        self._given_up.add((program, inputs))

    def estimate(self, task: Task) -> int:
        """Work of a task: what it took before, or what it may take at most; and its proof."""
        work = self.work.get((task.program, task.inputs), task.work_limit)
        match task.policy:
            case Snark(_, proving):
                size = len(self.inputs.get(proving or b"", b""))
                return work + SNARK_WORK + SNARK_WORK_A_BYTE * size
            case Stark():
                return work + STARK_WORK
        return work


class Runner(Protocol):
    """Where programs run: a `numen.sandbox.runner.Sandbox`, or a process of one's own for them."""

    def run(self, program: Program, inputs: Sequence[Any], *, work_limit: int) -> Result:
        """Run a program; raises `SandboxError` where this machine is not able to."""


class Machine:
    """Runs programs where it is told to: an `Executor`."""

    def __init__(self, goods: Goods, runner: Runner) -> None:
        self._goods, self._runner = goods, runner

    def run(self, program: bytes, inputs: bytes, work_limit: int) -> Answer:
        """Run a program by its id; see `Executor.run`."""
        try:
            answer = answer_of(self._goods.programs[program], inputs, work_limit, self._runner)
        except SandboxError:
            self._goods.give_up(program, commit_inputs(inputs))
            raise
        if len(self._goods.work) < GOODS_MAX:
            self._goods.work[program, commit_inputs(inputs)] = answer.work
        return answer


def answer_of(program: Program, inputs: bytes, work_limit: int, runner: Runner) -> Answer:
    """What a run gives, to whomever it is asked: every honest machine says the same.

    Raises:
        SandboxError: This machine is not able to.
    """
    try:
        values = decode_inputs(program, inputs)
        result = runner.run(program, values, work_limit=work_limit)
    except SandboxError:
        raise
    except NumenError:
        return Answer(b"\x00inputs are not the program's\x00", 0)
    return Answer(encode_output(result), result.work)


class TooLongError(NumenError):
    """A task allows runs that are too long to be contested."""


class Walks:
    """Makes walks of tasks, and keeps the last few: a `numen.market.actor.Walker`."""

    def __init__(self, goods: Goods) -> None:
        self._goods = goods
        self._kept: OrderedDict[tuple[bytes, bytes | None], Walk] = OrderedDict()

    def __call__(self, task: Task, inputs: bytes, answer: bytes | None) -> Walk:
        name = (task_id(task), answer)
        if task.work_limit > WALK_STEPS_MAX:
            raise TooLongError(
                f"a run of {task.work_limit:,} steps, the longest walk has {WALK_STEPS_MAX:,}"
            )
        if name not in self._kept:
            code = self._goods.programs[task.program].code
            self._kept[name] = walk(code, inputs, answer, task.work_limit)
            while len(self._kept) > WALKS_MAX:
                self._kept.popitem(last=False)
        self._kept.move_to_end(name)
        return self._kept[name]

    def is_able(self, task: Task) -> bool:
        """Whether a task has a walk: its program fits the provable machine, and its inputs it.

        On a ledger the contract is told the answer, which then has to be short.
        """
        code, inputs = self._goods.programs.get(task.program), self._goods.inputs.get(task.inputs)
        if code is None or inputs is None:
            return False
        try:
            found = self(task, inputs, None)
        except NumenError:
            return False
        return len(found.answer) <= self._goods.answer_max


class Equipped:
    """An actor that sees only tasks whose goods it has: a `numen.node.market.follower.Player`.

    Args:
        actor: Who acts.
        goods: What it has.
        runs: What it runs programs with, where it does not wait for them: tasks whose answers are
            on their way are not seen either.
    """

    def __init__(self, actor: Actor, goods: Goods, runs: Runs | None = None) -> None:
        self._actor, self._goods, self._runs = actor, goods, runs
        self._is_slow = False

    @property
    def address(self) -> bytes:
        return self._actor.address

    def lacks(self, replica: Replica) -> Iterable[bytes]:
        """Name the goods of all tasks that live."""
        if replica.market.on_ledger:
            self._goods.answer_max = TEXT_MAX
        tasks = [job.task for job in replica.market.jobs.values()]
        self._is_slow = any(isinstance(task.policy, Optimistic | Hardware) for task in tasks)
        return (name for task in tasks for name in self._goods.lacks(task))

    def bring(self, raw: bytes) -> None:
        """Take goods."""
        self._goods.add(raw)

    @property
    def is_quick(self) -> bool:
        """Whether it runs nothing while it thinks: it walks and quotes as it goes."""
        return self._runs is not None and not self._is_slow

    def listen(self, told: Callable[[], None]) -> None:
        """Have somebody told, in any thread, that it has something new to think about."""
        if self._runs is not None:
            self._runs.told = told

    def watch(self, market: Market) -> None:
        """What it has to know it sees when it is woken."""

    def made(self) -> Iterable[bytes]:
        """Give goods away that were made here."""
        while self._goods.made:
            yield self._goods.made.pop(0)

    def wake(self, market: Market, now_ms: int) -> Iterable[Act]:
        acts: list[Act] = []
        doubts = in_question(market.store, market.standings)
        # Each thought that ends early has started a run, so that there are no more than tasks.
        for _ in range(len(market.jobs) + len(doubts) + 1):
            jobs = {name: job for name, job in market.jobs.items() if self._can_see(job.task)}
            sold = {entry.name: entry for entry in doubts if self._can_see(entry.task)}
            seen = msgspec.structs.replace(market, jobs=jobs, store=Store(sold))
            try:
                acts.extend(self._actor.wake(seen, now_ms))
            except NotYetError:
                continue
            except SandboxError as error:
                _LOG.warning("a task is left alone: %s", error)
            break
        return acts

    def _can_see(self, task: Task) -> bool:
        is_running = self._runs is not None and self._runs.is_running(task)
        return not is_running and self._goods.has(task)

    def receive(self, parcel: Parcel, market: Market, now_ms: int) -> Iterable[Act]:
        return self._actor.receive(parcel, market, now_ms)


def _keys_of(task: Task) -> Iterator[bytes]:
    """Name the keys that a proof of a task takes."""
    if isinstance(task.policy, Snark):
        yield task.policy.key
        if task.policy.proving is not None:
            yield task.policy.proving


def dice_of(key: SigningKey, role: str) -> Dice:
    """Dice that follow from a key, so that who begins again throws the same.

    The seed is a signature that the key makes for nothing else, and that goes nowhere.
    """
    return Dice(key.sign(digest(_DICE_DOMAIN, role.encode())))


def _keep(store: dict[bytes, object] | Mapping[bytes, object], name: bytes, value: object) -> None:
    assert isinstance(store, dict)
    if len(store) >= GOODS_MAX and name not in store:
        del store[next(iter(store))]
    store[name] = value
