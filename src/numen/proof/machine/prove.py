"""Proves a run: segment by segment, each a job of its own, in one process or in several."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final

import msgspec

from numen.ir import codec
from numen.proof.machine import bundle, execute, trace
from numen.proof.machine.bundle import Bundle, Segment
from numen.proof.machine.check import messages, publics
from numen.proof.machine.chips import cpu
from numen.proof.machine.chips.image import GROUP_IN, GROUP_OUT
from numen.proof.machine.emulate import start
from numen.proof.machine.errors import RunTooLongError
from numen.proof.machine.fixed import commit
from numen.proof.machine.isa import ENTRY_PC, HALT_PC, Code
from numen.proof.machine.lower import Lowered, lower
from numen.proof.machine.machine import machine_of
from numen.proof.machine.record import Cells, cells
from numen.proof.machine.words import split_inputs
from numen.proof.stark.fixed import Fixed
from numen.proof.stark.native import NATIVE
from numen.proof.stark.profile import Profile
from numen.proof.stark.prover import Secrets, prove

SEGMENT_ROWS: Final = 1 << 18
"""Steps of a segment, unless asked otherwise: about a gigabyte of tables and trees."""

CYCLES_MAX: Final = bundle.SEGMENTS_MAX * SEGMENT_ROWS
"""Longest run, unless asked otherwise."""

Progress = Callable[[int, int], None]
"""Told how many cycles are proven, and how many there are."""


class Job(msgspec.Struct, frozen=True):
    """What it takes to prove a segment, beside the program.

    Attributes:
        index: Which segment.
        rows: Steps.
        memory: Every cell before it.
        pc: Where it begins.
        flag: The flag before it.
        is_last: Whether the run ends in it.
        public: All public inputs, one integer a cell.
        outputs: All outputs, one integer a cell.
        secret: What hiding profiles draw from; the same for all segments of a run.
    """

    index: int
    rows: int
    memory: Cells
    pc: int
    flag: int
    is_last: bool
    public: tuple[int, ...]
    outputs: tuple[int, ...]
    secret: bytes


Spread = Callable[[bytes, Profile, Iterator[Job]], Iterator[tuple[Job, Segment]]]
"""Proves the segments of a program's run, and gives them in order."""


def prove_run(  # noqa: PLR0913 - one parameter a choice
    code: bytes,
    args: Sequence[int | list[int]],
    profile: Profile,
    *,
    segment_rows: int = SEGMENT_ROWS,
    cycles_max: int = CYCLES_MAX,
    processes: int = 1,
    secret: bytes | None = None,
    told: Progress | None = None,
    spread: Spread | None = None,
) -> bytes:
    """Run a program and prove the run; the bytes of a `proof.stark`.

    Args:
        code: Bytecode.
        args: One integer, or list of integers, for each leaf of the inputs.
        profile: The parameters.
        segment_rows: Steps of a segment, a power of two up to `cpu.STEPS_MAX`.
        cycles_max: Most cycles.
        processes: How many segments are proven at once.
        secret: 32 random bytes that hiding profiles draw from; the system's, if None.
        told: Hears of the progress.
        spread: Proves the segments, in place of processes of this machine.

    Raises:
        DecodeError: The bytecode is not a program.
        MachineError: The program or the run does not fit the machine.
    """
    assert 0 < segment_rows <= cpu.STEPS_MAX, segment_rows
    assert segment_rows & (segment_rows - 1) == 0, segment_rows
    lowered = lower(codec.decode(code))
    public, private = split_inputs(lowered, args)
    memory = cells(start(lowered.code, public, private).memory)
    cycles, outputs = _total(lowered.code, memory, cycles_max)
    if cycles > segment_rows * bundle.SEGMENTS_MAX:
        raise RunTooLongError(segment_rows * bundle.SEGMENTS_MAX)
    given = (public, outputs, secret or os.urandom(32))
    jobs = _jobs(lowered.code, memory, cycles, segment_rows, given)
    segments = []
    done = 0
    proven = (
        spread(code, profile, jobs) if spread else _all(code, lowered, profile, jobs, processes)
    )
    for job, segment in proven:
        segments.append(segment)
        done = min(cycles, done + job.rows)
        if told:
            told(done, cycles)
    return bundle.write(Bundle(code, profile.name, public, outputs, tuple(segments)))


def _total(code: Code, memory: Cells, cycles_max: int) -> tuple[int, tuple[int, ...]]:
    native = execute.load(code, memory)
    cycles = execute.run_to_end(native, cycles_max)
    return cycles, tuple(int(native.memory[address]) for address in code.outputs)


def _jobs(
    code: Code,
    memory: Cells,
    cycles: int,
    rows: int,
    given: tuple[tuple[int, ...], tuple[int, ...], bytes],
) -> Iterator[Job]:
    """The segments of a run; each begins where running to the end of the last one led."""
    native = execute.load(code, memory)
    count = max(1, -(-cycles // rows))
    for index in range(count):
        rest = cycles - index * rows
        is_last = index == count - 1
        size = 1 << max(rest - 1, 0).bit_length() if is_last else rows
        yield Job(index, size, native.memory.copy(), native.pc, native.flag, is_last, *given)
        execute.run(native, rows)


def _all(
    code: bytes, lowered: Lowered, profile: Profile, jobs: Iterator[Job], processes: int
) -> Iterator[tuple[Job, Segment]]:
    if processes == 1:
        fixed = commit(lowered.code, profile, NATIVE)
        for job in jobs:
            yield job, prove_segment(lowered.code, fixed, profile, job)
        return
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        waiting: list[tuple[Job, Future[Segment]]] = []
        for job in jobs:
            waiting.append((job, pool.submit(work, code, profile, job)))
            # A segment's memory waits with its job: let no more than a few of them wait.
            if len(waiting) > 2 * processes:
                first, future = waiting.pop(0)
                yield first, future.result()
        for first, future in waiting:
            yield first, future.result()


_LAST: dict[tuple[bytes, str], tuple[Lowered, Fixed]] = {}


def work(code: bytes, profile: Profile, job: Job) -> Segment:
    """Prove a segment in a process of its own, which remembers the program.

    Raises:
        MachineTrapError: A step has no next.
    """
    key = (hashlib.sha256(code).digest(), profile.name)
    if key not in _LAST:
        _LAST.clear()
        lowered = lower(codec.decode(code))
        _LAST[key] = (lowered, commit(lowered.code, profile, NATIVE))
    lowered, fixed = _LAST[key]
    return prove_segment(lowered.code, fixed, profile, job)


def prove_segment(code: Code, fixed: Fixed, profile: Profile, job: Job) -> Segment:
    """Run a segment again and prove it.

    Raises:
        MachineTrapError: A step has no next.
    """
    is_first = job.index == 0
    native = execute.load(code, job.memory, job.pc, job.flag)
    record = execute.record(native, job.rows)
    assert not job.is_last or record.pc == HALT_PC, "the last segment does not halt"
    assert not is_first or job.pc == ENTRY_PC, "the first segment begins elsewhere"
    tables = trace.tables(code, record, is_first=is_first)
    unproven = Segment(record.pc, record.flag, b"")
    told = messages(code, job.public, job.outputs, is_first=is_first, is_last=job.is_last)
    shown = publics(job.pc, job.flag, unproven, is_first=is_first, is_last=job.is_last)
    groups = {
        GROUP_IN: _seed(job.secret, "memory", job.index),
        GROUP_OUT: _seed(job.secret, "memory", job.index + 1),
    }
    secrets = Secrets(_seed(job.secret, "segment", job.index), groups)
    proof = prove(machine_of(code), tables, fixed, shown, told, profile, secrets, NATIVE)
    return Segment(record.pc, record.flag, proof)


def _seed(secret: bytes, name: str, index: int) -> bytes:
    return hashlib.sha256(b"numen/stark/seed/1 %s %d " % (name.encode(), index) + secret).digest()
