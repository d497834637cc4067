"""How handlers of opcodes, compiled regions and the machine between frames call each other.

All of them are functions of one form, `FORM`: they take the registers of the frame that runs,
return nothing, and end in a tail call to the next of their kind. So the native stack never grows,
however deep the EVM's calls are, and only the end of the frame of depth 0 returns. The form:

    void handler(ptr frame, ptr pc, ptr sp, i64 gas, ptr memory, i64 msize, ptr table)

    frame    the Frame that runs; the World is its field
    pc       the instruction in the code's bytes: a handler's own, a region's JUMPDEST
    sp       one past the top of the stack; height = (sp mod WINDOW_BYTES) / 32
    gas      left before the instruction: the handler charges its own static price
    memory   first byte of the frame's memory, at `Frame.memory` too
    msize    bytes of it in use, a multiple of 32
    table    256 handlers, by opcode byte

Ways to end a function of this form, each an emitter below that writes the terminator:

    dispatch    the handler of the byte at pc
    fail        a failure: all gas goes, the frame's effects are undone
    finish      any other halt; Frame.output and output_length are set before
    leave       saves the registers in the frame, then goes on with another function of the form,
                such as `resume`, which loads another frame's registers and dispatches

Named functions of the form that exist in each interpreter, for regions as imports:

    op.00 .. op.ff      the handlers
    fail.<Halt name>    sets Frame.halt and clears the output, gas 0, then goes on to `finish`;
                        reads frame and table only
    finish              ends the frame as Frame.halt says, and reads frame, gas and table only:
                        the World's side writes it
    resume              only `frame` is read: goes on where that frame was left, or starts it
    grow_memory         memory up to Frame.memory_end, charged; then the instruction at pc again
"""

import platform
from typing import Final

import msgspec

from numen.evm.forks import Fork
from numen.evm.halt import Halt
from numen.evm.native.layout import FRAME, WORLD
from numen.kernels.llvm import Callee, Function, Module, Value, const, poison

CONVENTION: Final = (
    "preserve_nonecc" if platform.machine() in {"x86_64", "AMD64", "aarch64", "arm64"} else "tailcc"
)
"""Keeps every register for arguments and saves none, where LLVM has that."""

REGISTERS: Final = {
    "frame": "ptr",
    "pc": "ptr",
    "sp": "ptr",
    "gas": "i64",
    "memory": "ptr",
    "msize": "i64",
    "table": "ptr",
}
"""Name and type of each argument, in order."""

FORM: Final = Callee("handler", "void", tuple(REGISTERS.values()), CONVENTION)
"""The form of all of these functions."""


class Registers(msgspec.Struct, frozen=True):
    """The registers as values of the function being written."""

    frame: Value
    pc: Value
    sp: Value
    gas: Value
    memory: Value
    msize: Value
    table: Value

    def values(self) -> tuple[Value, ...]:
        """In the order of the arguments."""
        return (self.frame, self.pc, self.sp, self.gas, self.memory, self.msize, self.table)


def open_function(
    module: Module, name: str, *, attributes: str = "nounwind"
) -> tuple[Function, Registers]:
    """Begin a function of the form; its registers are its parameters."""
    f = module.function(name, "void", REGISTERS, convention=CONVENTION, attributes=attributes)
    return f, Registers(*f.params)


def named(module: Module, name: str) -> Callee:
    """A function of the form, wherever it is defined."""
    return module.declare(name, "void", FORM.params, convention=CONVENTION)


def go_on(f: Function, to: str | Value, r: Registers) -> None:
    """End in another function of the form, by name or by address."""
    target = named(f.module, to) if isinstance(to, str) else to
    f.tail_call(target, FORM, *r.values())


def dispatch(f: Function, r: Registers) -> None:
    """End in the handler of the opcode at pc."""
    # A code's bytes and the table never change while frames run it.
    opcode = f.zext(f.load("i8", r.pc, is_fixed=True), "i64")
    go_on(f, f.load("ptr", f.gep("ptr", r.table, opcode), is_fixed=True), r)


def fail(f: Function, r: Registers, halt: Halt) -> None:
    """End the frame in a failure."""
    # What nobody reads any more need not be in its register: the jump is then all there is.
    word, pointer = poison("i64"), poison("ptr")
    lost = Registers(r.frame, pointer, pointer, word, pointer, word, r.table)
    go_on(f, failure_name(halt), lost)


def finish(f: Function, r: Registers, halt: Halt, output: Value, length: Value) -> None:
    """End the frame in any other way.

    Args:
        f: Function being written.
        r: With the gas that is left.
        halt: STOP, RETURN, REVERT or SELFDESTRUCT.
        output: Pointer to the first byte of the output; any where there is none.
        length: Its bytes, an i64.
    """
    FRAME.store(f, r.frame, "halt", const("i64", halt))
    FRAME.store(f, r.frame, "output", output)
    FRAME.store(f, r.frame, "output_length", length)
    go_on(f, "finish", r)


def save(f: Function, r: Registers) -> None:
    """Write the registers into the frame, before it sleeps.

    Args:
        f: Function being written.
        r: As they are to be when the frame goes on: pc at the next instruction, the operands
            popped, the price paid. Whoever wakes the frame may change what is saved.
    """
    for name in ("pc", "sp", "gas", "msize"):
        FRAME.store(f, r.frame, name, getattr(r, name))


def leave(f: Function, r: Registers, to: str, frame: Value) -> None:
    """Save the registers, and end in a function of the form that gets another frame.

    Args:
        f: Function being written.
        r: As for `save`.
        to: Name of a function that reads nothing but its frame and table, such as ``resume``.
        frame: That frame.
    """
    save(f, r)
    enter(f, to, frame, r.table)


def enter(f: Function, to: str, frame: Value, table: Value) -> None:
    """End in a function of the form that reads nothing but its frame and table."""
    word, pointer = poison("i64"), poison("ptr")
    go_on(f, to, Registers(frame, pointer, pointer, word, pointer, word, table))


def failure_name(halt: Halt) -> str:
    """Name of the function that ends a frame in a failure."""
    return f"fail.{halt.name}"


def write_convention(module: Module, _fork: Fork) -> None:
    """Define ``fail.*``, ``resume`` and ``enter``; see above."""
    _write_failures(module)
    _write_resume(module)
    _write_entry(module)


def _write_failures(module: Module) -> None:
    """Define `fail.*`. They are cold: handlers hold one tail call to each they need."""
    for halt in Halt:
        f, r = open_function(module, failure_name(halt), attributes="nounwind noinline cold")
        zero = const("i64", 0)
        memory = FRAME.load(f, r.frame, "memory")
        finish(f, msgspec.structs.replace(r, gas=zero), halt, memory, zero)


def _write_resume(module: Module) -> None:
    """Define `resume`: load a frame's registers, and go on with a region or a handler."""
    f, r = open_function(module, "resume")
    pc, sp, gas, memory, msize = (
        FRAME.load(f, r.frame, name) for name in ("pc", "sp", "gas", "memory", "msize")
    )
    FRAME.store(f, r.frame, "heat_gas", gas)
    loaded = Registers(r.frame, pc, sp, gas, memory, msize, r.table)
    regions = FRAME.load(f, r.frame, "regions")
    with f.when(f.icmp("ne", regions, Value("ptr", "null"))):
        region = load_region(f, loaded, regions)
        with f.when(f.icmp("ne", region, Value("ptr", "null"))):
            go_on(f, region, loaded)
    dispatch(f, loaded)


def load_region(f: Function, r: Registers, regions: Value) -> Value:
    """Emit reading the pointer of the region that begins at pc, or null; ``regions`` is not."""
    return f.load("ptr", region_entry(f, r, regions))


def region_entry(f: Function, r: Registers, regions: Value) -> Value:
    """Emit the address of pc's entry in the region table."""
    return f.gep("{ptr, i64}", regions, program_counter(f, r))


def program_counter(f: Function, r: Registers) -> Value:
    """Emit pc as an index into the code, an i64."""
    code = FRAME.load(f, r.frame, "code", is_fixed=True)
    return f.sub(f.cast("ptrtoint", r.pc, "i64"), f.cast("ptrtoint", code, "i64"))


def _write_entry(module: Module) -> None:
    """Define ``void enter(ptr world)``, C convention: run World.frame, of depth 0, to its end."""
    f = module.function("enter", "void", {"world": "ptr"})

    frame = WORLD.load(f, f.params[0], "frame")
    table = WORLD.load(f, f.params[0], "table")
    word, pointer = poison("i64"), poison("ptr")
    f.call(named(module, "resume"), frame, pointer, pointer, word, pointer, word, table)
    f.ret()
