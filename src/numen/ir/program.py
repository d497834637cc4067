"""Programs: what is compiled once, named by its bytes, and run by every engine."""

from collections import Counter

import msgspec

from numen.base.errors import Place
from numen.ir import codec
from numen.ir.check import storage_bytes
from numen.ir.host import needs_host
from numen.ir.interface import Interface
from numen.ir.nodes import Module
from numen.ir.passes.meter import meter, work_of
from numen.ir.pipeline import optimise


class Program(msgspec.Struct, frozen=True):
    """A program, compiled or loaded.

    Attributes:
        module: As decoded from ``code``: what is printed, inspected and proven.
        metered: The same with meters: what engines run.
        code: The canonical bytecode, with names and places where they are known.
        id: The program id, 32 bytes.
        needs_host: Whether it is a contract, which runs only with a host.
    """

    module: Module
    metered: Module
    code: bytes
    id: bytes
    needs_host: bool

    @property
    def interface(self) -> Interface:
        """What a person passes and receives."""
        return self.module.interface

    @property
    def storage_bytes(self) -> int:
        """Bytes of arrays and memories that a run can hold at once."""
        return storage_bytes(self.module)


def program_from_module(module: Module, *, level: str = "O2") -> Program:
    """Make a program of what a front end wrote.

    Args:
        module: A checked module without meters.
        level: How far to optimise, a name from `pipeline.LEVELS`. Another level is another program
            with another id.

    Raises:
        EncodeError: A name or message of the module cannot be written.
    """
    # Loading checks the form, as of any program.
    return load(codec.encode(optimise(module, level)))


def load(code: bytes) -> Program:
    """Make a program of bytecode from anyone.

    Compiled programs come this way too, so that there is one kind of program.

    Raises:
        DecodeError: The bytes are not a program.
    """
    module = codec.decode(code)
    return Program(module, meter(module), code, codec.split(code).id, needs_host(module))


def work_by_place(module: Module) -> dict[Place | None, int]:
    """Work units of one execution of each instruction, summed by line of the source.

    Places stand at column 1 of their line; None is for instructions without a place. Loops and
    branches are not counted out: this says what is written on a line, not how often it runs.
    """
    found: Counter[Place | None] = Counter()
    for fn in module.functions.values():
        for block in fn.blocks.values():
            for instr in block.body:
                place = instr.place and Place(instr.place.file, instr.place.line, 1)
                found[place] += work_of(instr)
    return dict(found)
