"""The circuit compiler: a bounded program as a rank-1 constraint system, and its witness.

A witness exists exactly for the runs that end without a trap, and its output wires hold the results
of that run. Words are wires: a negative one is its remainder by the field's order. Leaves of inputs
and of the result have a wire a word, in the order of `interface.leaves`; a word of 256 bits has
four, 64 bits each, the lowest first.
"""

import functools
from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from numen.base.errors import Place
from numen.ir.host import first_of
from numen.ir.interface import InputError, Leaf, leaves
from numen.ir.nodes import Module
from numen.ir.ops import HASHES, HOST
from numen.ir.trap import Reason, Trap, TrapError
from numen.ir.types import FIELD_ORDER, I64, U64, Kind, Word
from numen.kernels.tape import Tape
from numen.proof import covering, gadgets, layout, tape, witness
from numen.proof.circuit_errors import RunTrapsError, TooManyRoundsError, UnsupportedError
from numen.proof.felts import Felts, felts_from_ints, ints_from_felts
from numen.proof.lc import LC
from numen.proof.number import Number, Value, Wide, low_of, to_lc
from numen.proof.r1cs import R1CS
from numen.proof.storage import Cell, Ref, Store
from numen.proof.unroll import Held, Path, Unroller
from numen.proof.wide import word_parts
from numen.proof.wires import Limits, Wires

_OUTSIDE = -1
"""Stands for a call in the references to arrays that the caller of the program holds."""


class FreeWire(msgspec.Struct, frozen=True):
    """A wire that a proof does not pin down, and why that is no harm.

    Attributes:
        wire: Its index.
        name: Its name.
        reason: Why.
    """

    wire: int
    name: str
    reason: str


class Witness(msgspec.Struct, frozen=True, dict=True, eq=False):
    """The values of all wires for a run.

    Attributes:
        wires: Shape ``(wires, 4)``: one element of ``[0, FIELD_ORDER)`` a wire.
        results: What the run gave, a part a leaf of the result, as the interpreter gives them.
    """

    wires: Felts
    results: tuple[int | list[int], ...]

    @functools.cached_property
    def values(self) -> list[int]:
        """The values as integers."""
        return ints_from_felts(self.wires)

    def felts(self) -> Felts:
        """The values as an array of shape ``(wires, 4)``."""
        return self.wires


class Circuit(msgspec.Struct, frozen=True, eq=False, dict=True):
    """A program as constraints.

    Attributes:
        r1cs: The constraints.
        inputs: The leaves of the program's parameters.
        result: The leaves of its result.
        input_wires: Wires of the words of the inputs, leaf by leaf.
        input_constraints: How many constraints prove the ranges of the inputs.
        places: Constraints by place in the source; None for those without one.
        wires: The construction, with the plan of the witness.
        order: Wire of the construction that each wire is.
        named: Names of inputs and outputs by wire.
    """

    r1cs: R1CS
    inputs: tuple[Leaf, ...]
    result: tuple[Leaf, ...]
    input_wires: tuple[int, ...]
    input_constraints: int
    places: dict[Place | None, int]
    wires: Wires
    order: list[int]
    named: dict[int, str]

    @property
    def constraint_count(self) -> int:
        """How many constraints there are, those of the inputs included."""
        return self.r1cs.constraint_count

    def lines(self) -> dict[tuple[str, int], int]:
        """Constraints by file and line of the source."""
        counts: Counter[tuple[str, int]] = Counter()
        for place, count in self.places.items():
            if place is not None:
                counts[place.file, place.line] += count
        return dict(sorted(counts.items()))

    def roles(self) -> dict[tuple[str, int], dict[str, int]]:
        """Wires by file and line of the source, and by what they are for."""
        found: dict[tuple[str, int], Counter[str]] = {}
        for inner in self.order[1 + self.r1cs.statement_count + self.r1cs.private_count :]:
            place = self.wires.origins[inner]
            if place is not None:
                key = place.file, place.line
                found.setdefault(key, Counter())[self.wires.roles[inner]] += 1
        return {key: dict(counts.most_common()) for key, counts in found.items()}

    def name(self, wire: int) -> str:
        """Name a wire: an input or output by its path, another by its role and place."""
        if wire in self.named:
            return self.named[wire]
        inner = self.order[wire]
        place = self.wires.origins[inner]
        return f"{self.wires.roles[inner]} {wire}" + (f" at {place}" if place else "")

    def free_wires(self) -> tuple[FreeWire, ...]:
        """List the wires that may hold something else in some witness of the same statement."""
        used = {0}
        for matrix in self.r1cs.matrices:
            used.update(matrix.wires.tolist())
        found = [
            FreeWire(wire, name, "the program does not use this input")
            for wire, name in self.named.items()
            if wire not in used
        ]
        roles = self.wires.roles
        for wire, inner in enumerate(self.order):
            if roles[inner] == "zero inverse":
                reason = "zero has no inverse: where the value tested is zero, any number will do"
                found.append(FreeWire(wire, self.name(wire), reason))
        return tuple(found)

    def witness(self, args: Sequence[int | list[int]]) -> Witness:
        """Find the values of all wires.

        Args:
            args: One integer, or list of integers, for each leaf of the inputs, as
                `interface.flatten` gives them.

        Raises:
            InputError: An argument is not of its leaf's type.
            RunTrapsError: The run of these inputs traps.
            TooManyRoundsError: It needs more rounds of a loop than `Limits.rounds` allowed.
        """
        given = _input_values(self.inputs, args)
        values = np.zeros((len(self.wires.roles), 4), dtype=np.uint64)
        values[0, 0] = 1
        values[self._order[list(self.input_wires)]] = felts_from_ints(given)
        if self.tape.follow(values) != len(self.tape.steps):
            trap = self._trap(given)
            if trap.reason is Reason.WORK_LIMIT:
                raise TooManyRoundsError(trap)
            raise RunTrapsError(trap)
        final = values[self._order]
        words = ints_from_felts(final[1 : 1 + self.r1cs.output_count])
        return Witness(final, _results(self.result, words))

    @functools.cached_property
    def tape(self) -> Tape:
        """The plan of the witness as native code follows it; made when it is first asked for."""
        return tape.record(self.wires.plan, len(self.wires.roles))

    @functools.cached_property
    def _order(self) -> NDArray[np.int64]:
        return np.array(self.order, dtype=np.int64)

    def _trap(self, given: Sequence[int]) -> Trap:
        """Why a run of these inputs ends, by the plan itself."""
        values = [0] * len(self.wires.roles)
        values[0] = 1
        for wire, value in zip(self.input_wires, given, strict=True):
            values[self.order[wire]] = value
        try:
            witness.follow(self.wires.plan, values)
        except TrapError as error:
            return error.trap
        raise AssertionError("the tape stopped where the plan goes on")


def compile_circuit(module: Module, *, limits: Limits | None = None) -> Circuit:
    """Compile a program into a circuit.

    Args:
        module: A module that `check` accepts. Meters are ignored: a circuit's size is its price.
        limits: What the compilation may cost.

    Raises:
        CircuitRefusalError: The program has no circuit within the limits; says why and where.

    Cost: linear in the instructions executed and the constraints made.
    """
    spoken = first_of(module, HOST | HASHES)
    if spoken is not None:
        hint = "prove a function without state; contracts have no circuit yet"
        raise UnsupportedError(f"{spoken.op.value}, which contracts have", spoken.place, hint)
    return _Compilation(module, limits or Limits()).circuit()


def wire_values(word: Word, value: int) -> list[int]:
    """What the wires of a word hold: one, or four for a word of 256 bits."""
    parts = word_parts(value) if word.bits == 256 else (value,)
    return [low_of(part) % FIELD_ORDER for part in parts]


class _Compilation:
    """A circuit being compiled."""

    def __init__(self, module: Module, limits: Limits) -> None:
        self.module = module
        self.wires = Wires(limits)
        self.names: dict[int, str] = {}
        self.words: list[tuple[int, bool]] = []

    def circuit(self) -> Circuit:
        """Compile."""
        store = Store()
        args = self._inputs(store)
        args += self._outs(store)
        input_rows = self.wires.constraint_count
        end = Unroller(self.module, self.wires).run(args, store)
        self.wires.place = None
        outputs = self._outputs(end)
        public = [wire for wire, is_private in self.words if not is_private]
        private = [wire for wire, is_private in self.words if is_private]
        sums = [to_lc(value) for _, value in outputs]
        covering.cover(self.wires, sums)
        laid = layout.lay_out(self.wires, sums, public, private)
        final = {inner: wire for wire, inner in enumerate(laid.order)}
        named = {index + 1: name for index, (name, _) in enumerate(outputs)}
        named |= {final[inner]: name for inner, name in self.names.items()}
        places: Counter[Place | None] = Counter(
            self.wires.places[row] for row in laid.rows if row >= input_rows
        )
        self.wires.forget()
        return Circuit(
            r1cs=laid.r1cs,
            inputs=self.module.input_leaves,
            result=self.module.result_leaves,
            input_wires=tuple(final[inner] for inner, _ in self.words),
            input_constraints=sum(row < input_rows for row in laid.rows),
            places=dict(places),
            wires=self.wires,
            order=laid.order,
            named=named,
        )

    def _inputs(self, store: Store) -> list[Held]:
        """A wire for each word of the inputs, proven to be in the range of its type."""
        args: list[Held] = []
        self.wires.require_room(sum(leaf.count or 1 for leaf in self.module.input_leaves))
        for parameter in self.module.interface.inputs:
            for leaf in leaves(parameter.shape, parameter.name):
                values = [
                    self._word(leaf.word, name, is_private=parameter.is_private)
                    for name in _names(leaf)
                ]
                args.append(
                    values[0] if leaf.count is None else _array(store, len(args), values, leaf.word)
                )
        return args

    def _word(self, word: Word, name: str, *, is_private: bool) -> Value | Wide:
        if word.bits < 256:
            return self._input(word, name, is_private=is_private)
        limbs = [
            self._input(of, f"{name}:{index}", is_private=is_private)
            for index, of in enumerate(_limb_words(word))
        ]
        return Wide(tuple(limbs), is_word=True)

    def _input(self, word: Word, name: str, *, is_private: bool) -> Number:
        wire = self.wires.new("input")
        self.words.append((wire, is_private))
        self.names[wire] = name
        combination: LC = {wire: 1}
        value = Number(combination, word.low, word.high)
        if word.kind is Kind.BOOL:
            gadgets.boolean(self.wires, combination)
        elif word.kind is not Kind.FIELD:
            gadgets.bits_of(self.wires, value)
        return value

    def _outs(self, store: Store) -> list[Held]:
        """The arrays that the program fills."""
        args: list[Held] = []
        for leaf in self.module.result_leaves:
            if leaf.count is not None:
                slot = (_OUTSIDE, f"result {len(args)}")
                store.make(slot, {}, leaf.word)
                args.append(Ref(slot, 0, leaf.count))
        return args

    def _outputs(self, end: Path) -> list[tuple[str, Value]]:
        """Name and value of each word of the result."""
        words = iter(end.regs.values())
        count = 0
        outputs: list[tuple[str, Value]] = []
        self.wires.require_room(sum(leaf.count or 1 for leaf in self.module.result_leaves))
        for leaf in leaves(self.module.interface.result, "result"):
            names = _names(leaf)
            if leaf.count is None:
                outputs += _named(names[0], next(words), leaf.word)
                continue
            for index, name in enumerate(names):
                cell = end.store.read((_OUTSIDE, f"result {count}"), index)
                outputs += _named(name, cell, leaf.word)
            count += 1
        return outputs


def _names(leaf: Leaf) -> list[str]:
    """A name for each word: the index in place of the first brackets, row-major."""
    if leaf.count is None:
        return [leaf.path]
    return [leaf.path.replace("[]", f"[{index}]", 1) for index in range(leaf.count)]


def _named(name: str, held: Held | Cell, word: Word) -> list[tuple[str, Value]]:
    """Name and value of each wire of a word."""
    if word.bits < 256:
        assert isinstance(held, int | Number)
        return [(name, held)]
    assert isinstance(held, int | Wide)
    parts = word_parts(held) if isinstance(held, int) else held.parts
    return [(f"{name}:{index}", part) for index, part in enumerate(parts)]


def _limb_words(word: Word) -> tuple[Word, ...]:
    """Types of the wires of a word of 256 bits, the lowest first."""
    return (U64, U64, U64, I64 if word.kind is Kind.SIGNED else U64)


def _array(store: Store, index: int, values: list[Value | Wide], word: Word) -> Ref:
    slot = (_OUTSIDE, f"argument {index}")
    store.make(slot, dict(enumerate(values)), word)
    return Ref(slot, 0, len(values))


def _input_values(inputs: tuple[Leaf, ...], args: Sequence[int | list[int]]) -> list[int]:
    if len(args) != len(inputs):
        raise InputError(f"expected {len(inputs)} arguments, found {len(args)}")
    values: list[int] = []
    for leaf, arg in zip(inputs, args, strict=True):
        items = [arg] if isinstance(arg, int) else arg
        if isinstance(arg, int) != (leaf.count is None) or len(items) != (
            1 if leaf.count is None else leaf.count
        ):
            raise InputError(f"{leaf.path}: expected {leaf.type}")
        for item in items:
            if item not in leaf.word:
                raise InputError(f"{leaf.path}: {item} is not a {leaf.word}")
            values += wire_values(leaf.word, item)
    return values


def _results(leaves_of: tuple[Leaf, ...], values: list[int]) -> tuple[int | list[int], ...]:
    """Read the outputs back as words."""
    results: list[int | list[int]] = []
    stream = iter(values)
    for leaf in leaves_of:
        words = [_read(leaf.word, stream) for _ in range(1 if leaf.count is None else leaf.count)]
        results.append(words[0] if leaf.count is None else words)
    return tuple(results)


def _read(word: Word, values: Iterator[int]) -> int:
    of = _limb_words(word) if word.bits == 256 else (word,)
    total = 0
    for index, part in enumerate(of):
        value = next(values)
        total += (value if value <= part.high else value - FIELD_ORDER) << 64 * index
    return total
