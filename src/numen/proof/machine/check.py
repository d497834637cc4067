"""Checks the proof of a run: the verifier of the provable machine.

It lowers the bytecode itself, so that what was proven is the program whose id it names. A segment
begins where the one before ended: at the same instruction and flag, and with the memory whose
commitment is the same.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec

from numen.ir import codec
from numen.ir.interface import Interface, TupleShape, unflatten
from numen.ir.nodes import Module
from numen.proof.machine import bundle
from numen.proof.machine.bundle import Bundle, Segment
from numen.proof.machine.chips import cpu, image
from numen.proof.machine.errors import SegmentError
from numen.proof.machine.fixed import commit
from numen.proof.machine.isa import ENTRY_PC, HALT_PC, Code, limbs
from numen.proof.machine.lower import Lowered, lower
from numen.proof.machine.machine import machine_of
from numen.proof.machine.words import are_words, join_outputs, join_public
from numen.proof.stark.layout import Layout
from numen.proof.stark.profile import Profile, profile_named
from numen.proof.stark.proof import group_root
from numen.proof.stark.soundness import Bits, bits
from numen.proof.stark.statement import PublicMessage, Statement
from numen.proof.stark.verifier import verify

_KEPT: Final = 16
"""Programs whose code is remembered."""


class Proven(msgspec.Struct, frozen=True):
    """What a proof says.

    Attributes:
        program: Id of the program.
        interface: Of the program.
        public: The public inputs, one integer or list of integers for each leaf.
        results: The outputs, likewise.
        profile: The parameters.
        bits: What the proof is worth.
        cycles: Steps proven; the last segment is filled up to a power of two.
        segments: How many there are.
    """

    program: bytes
    interface: Interface
    public: tuple[int | list[int], ...]
    results: tuple[int | list[int], ...]
    profile: Profile
    bits: Bits
    cycles: int
    segments: int

    @property
    def value(self) -> Any:
        """The result as a person sees it."""
        return unflatten(self.interface.result, list(self.results))

    @property
    def has_private(self) -> bool:
        """Whether there were inputs that the proof does not name."""
        return any(field.is_private for field in self.interface.inputs)

    @property
    def inputs(self) -> dict[str, Any]:
        """The public inputs by name."""
        shown = [field for field in self.interface.inputs if not field.is_private]
        shape = TupleShape(tuple(field.shape for field in shown))
        values = unflatten(shape, list(self.public))
        return dict(zip((field.name for field in shown), values, strict=True))


def check(data: bytes, *, program: bytes | None = None) -> Proven:
    """Check a `proof.stark`, and say what it proves.

    Args:
        data: The file.
        program: The id that its program must have, if the reader expects one.

    Raises:
        NumenError: It is no such file (`CodecError`, `DecodeError`), its program does not fit the
            machine (`MachineError`), or it proves nothing (`StarkError`, `SegmentError`).
    """
    found = bundle.read(data)
    identity = codec.split(found.code).id
    if program is not None and program != identity:
        raise SegmentError(0, f"the program is {identity.hex()}, not {program.hex()}")
    profile = profile_named(found.profile)
    module, lowered = _lowered(found.code)
    _check_words(found, lowered)
    layouts = _check_segments(found, lowered.code, profile)
    worth = [bits(layout) for layout in layouts]
    heights = [_rows(layout, cpu.NAME) for layout in layouts]
    return Proven(
        program=identity,
        interface=module.interface,
        public=join_public(lowered, found.public),
        results=join_outputs(lowered, found.outputs),
        profile=profile,
        bits=min(worth, key=lambda one: (one.proven, one.conjectured)),
        cycles=sum(height or 0 for height in heights),
        segments=len(layouts),
    )


@lru_cache(_KEPT)
def _lowered(code: bytes) -> tuple[Module, Lowered]:
    module = codec.decode(code)
    return module, lower(module)


def _check_words(found: Bundle, lowered: Lowered) -> None:
    public = [slot for slot in lowered.inputs if not slot.is_private]
    if not are_words(public, found.public):
        raise SegmentError(0, "the public inputs are not of the program's types")
    if not are_words(lowered.outputs, found.outputs):
        raise SegmentError(len(found.segments) - 1, "the outputs are not of the program's types")


def _check_segments(found: Bundle, code: Code, profile: Profile) -> list[Layout]:
    if not found.segments:
        raise SegmentError(0, "there is none")
    fixed = commit(code, profile).root
    pc, flag, before = ENTRY_PC, 0, None
    layouts = []
    for index, segment in enumerate(found.segments):
        is_first, is_last = index == 0, index == len(found.segments) - 1
        if is_last and segment.pc != HALT_PC:
            raise SegmentError(index, "the run does not come to its end")
        if not segment.pc < len(code.instructions) or segment.flag > 1:
            raise SegmentError(index, "it ends at no step of the program")
        statement = Statement(
            machine_of(code),
            publics(pc, flag, segment, is_first=is_first, is_last=is_last),
            tuple(messages(code, found.public, found.outputs, is_first=is_first, is_last=is_last)),
            fixed,
            profile,
        )
        layout, proof = verify(statement, segment.proof)
        rows = _rows(layout, cpu.NAME)
        if rows is None or rows > cpu.STEPS_MAX:
            raise SegmentError(index, f"it has {rows or 0:,} steps, not 1 to {cpu.STEPS_MAX:,}")
        after = group_root(layout.machine, layout, proof, image.GROUP_OUT)
        start = group_root(layout.machine, layout, proof, image.GROUP_IN)
        if before is not None and start != before:
            raise SegmentError(index, "it begins with another memory than the last one left")
        pc, flag, before = segment.pc, segment.flag, after
        layouts.append(layout)
    return layouts


def _rows(layout: Layout, name: str) -> int | None:
    names = [chip.name for chip in layout.machine.chips]
    log = layout.log_rows[names.index(name)]
    return None if log is None else 1 << log


def publics(
    pc: int, flag: int, segment: Segment, *, is_first: bool, is_last: bool
) -> tuple[int, ...]:
    """The public values of a segment, in the order of `machine.PUBLICS`."""
    return (pc, segment.pc, flag, segment.flag, int(is_first), int(is_last))


def messages(
    code: Code,
    public: Sequence[int],
    outputs: Sequence[int],
    *,
    is_first: bool,
    is_last: bool,
) -> list[PublicMessage]:
    """What the statement receives: the inputs from the first segment, the outputs from the last."""
    found = []
    for bus, is_here, cells, values in (
        ("input", is_first, code.public_inputs, public),
        ("output", is_last, code.outputs, outputs),
    ):
        if is_here:
            found += [
                PublicMessage(bus, (address, *limbs(value)), -1)
                for address, value in zip(cells, values, strict=True)
            ]
    return found
