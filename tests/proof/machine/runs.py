"""Runs of the provable machine for tests: what to prove, and tables that prove it."""

import msgspec
from msgspec.structs import replace

from numen.ir.nodes import Module
from numen.proof.machine import emulate, fixed, trace
from numen.proof.machine.isa import HALT_PC, limbs
from numen.proof.machine.lower import Lowered, lower
from numen.proof.machine.machine import machine_of
from numen.proof.machine.record import Record, emulated
from numen.proof.machine.words import join_outputs, split_inputs
from numen.proof.stark import checker
from numen.proof.stark.statement import PublicMessage


class Whole(msgspec.Struct, frozen=True):
    """A run in one segment, and what the statement says of it."""

    lowered: Lowered
    record: Record
    tables: dict
    publics: tuple[int, ...]
    messages: tuple[PublicMessage, ...]

    def check(self, **changed):
        checker.check(
            machine_of(self.lowered.code),
            self.tables | changed,
            fixed.tables(self.lowered.code),
            self.publics,
            self.messages,
        )


def emulate_module(module: Module, args, *, cycles_max=100_000):
    """The results of a module on the emulator, and the cycles it took."""
    lowered = lower(module)
    state = emulate.start(lowered.code, *split_inputs(lowered, args))
    cycles = emulate.run(lowered.code, state, cycles_max=cycles_max)
    return join_outputs(lowered, emulate.outputs(lowered.code, state)), cycles


def whole(module: Module, args) -> Whole:
    """Run a module that halts, and make its tables."""
    lowered = lower(module)
    code = lowered.code
    public, private = split_inputs(lowered, args)
    state = emulate.start(code, public, private)
    cycles = emulate.run(code, state, cycles_max=100_000)
    results = emulate.outputs(code, state)
    record = emulated(
        code, emulate.start(code, public, private), 1 << max(cycles - 1, 0).bit_length()
    )
    assert record.pc == HALT_PC
    messages = [
        PublicMessage(bus, (address, *limbs(value)), -1)
        for bus, cells, values in (
            ("input", code.public_inputs, public),
            ("output", code.outputs, results),
        )
        for address, value in zip(cells, values, strict=True)
    ]
    tables = trace.tables(code, record, is_first=True)
    return Whole(lowered, record, tables, (1, HALT_PC, 0, record.flag, 1, 1), tuple(messages))


def with_messages(run: Whole, messages) -> Whole:
    """The same run under another statement."""
    return replace(run, messages=tuple(messages))
