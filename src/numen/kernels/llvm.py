"""LLVM IR as text: values, functions, modules, one method an instruction.

The rest of Numen writes LLVM through this module only. A `Value` is a type and a name, a
`Function` appends lines to basic blocks, and a `Module` prints them; nothing is kept that LLVM
would check again, so writing an instruction costs about a microsecond.

    module = Module()
    f = module.function("sum", "i64", {"words": "ptr", "n": "i64"})
    words, n = f.params
    with f.loop(0, n, carried=[const("i64", 0)]) as loop:
        word = f.load("i64", f.gep("i64", words, loop.index))
        loop.advance(f.add(loop.carried[0], word))
    f.ret(loop.carried[0])
    text = str(module)

Types are LLVM's own spelling: ``i1 i64 i256 ptr double <4 x i64> {i64, i1} [8 x i64]``.
Integer operands may be given as Python integers where another operand fixes the type.

Reference: https://llvm.org/docs/LangRef.html
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from numen.kernels.arithmetic import Arithmetic
from numen.kernels.values import (
    NULL,
    Callee,
    Label,
    Loop,
    Value,
    bits_of,
    const,
    lanes_of,
    poison,
    vector,
)

__all__ = [
    "NULL",
    "Callee",
    "Function",
    "Label",
    "Loop",
    "Module",
    "Value",
    "bits_of",
    "const",
    "lanes_of",
    "mangled",
    "poison",
    "vector",
]


class Function(Arithmetic):
    """A function being written. Instructions go to the end of the current block.

    Attributes:
        params: The parameters as values.
        callee: What callers need.
    """

    def __init__(
        self, module: "Module", callee: Callee, params: Mapping[str, str], head: tuple[str, str]
    ) -> None:
        self.module = module
        self.callee = callee
        self.params = [Value(t, f"%{n}") for n, t in zip(params, callee.params, strict=True)]
        self._head = head
        self._signature = ", ".join(f"{t} %{n}" for n, t in params.items())
        self._blocks: dict[str, list[str]] = {}
        self._phis: dict[str, tuple[str, str, list[str]]] = {}
        self._phis_of: dict[str, list[str]] = {}
        self._ended: set[str] = set()
        self._allocas: list[str] = []
        self._counter = 0
        self.current = self.block("entry")
        self._lines = self._blocks["entry"]

    def block(self, hint: str = "b") -> Label:
        """Add an empty block after the ones that exist; the first is the entry."""
        # Registers and labels share one space of names; a dot keeps ours out of the parameters'.
        name = f"{hint}.{len(self._blocks)}" if self._blocks else hint
        self._blocks[name] = []
        self._phis_of[name] = []
        return Label(name)

    def at(self, label: Label) -> None:
        """Continue writing at the end of a block."""
        self.current = label
        self._lines = self._blocks[label.name]

    @property
    def ended(self) -> bool:
        """Whether the current block has its terminator."""
        return self.current.name in self._ended

    def _end(self, line: str) -> None:
        assert not self.ended, f"block {self.current.name} is already ended"
        self._lines.append(line)
        self._ended.add(self.current.name)

    def define(self, type_: str, text: str) -> Value:
        self._counter += 1
        name = f"%.{self._counter}"
        self._lines.append(f"  {name} = {text}")
        return Value(type_, name)

    def overflow(self, opcode: str, a: Value, b: Value | int) -> tuple[Value, Value]:
        """Arithmetic that also tells whether it left the range of its type.

        Args:
            opcode: ``uadd sadd usub ssub umul smul``.
            a: First operand.
            b: Second operand.

        Returns:
            The wrapped result and an i1, set on overflow.
        """
        other = b if isinstance(b, Value) else const(a.type, b)
        pair = self.intrinsic(
            f"llvm.{opcode}.with.overflow.{a.type}", f"{{{a.type}, i1}}", a, other
        )
        return self.extract(pair, 0, a.type), self.extract(pair, 1, "i1")

    def alloca(self, type_: str, count: int = 1, align: int = 16) -> Value:
        """Stack memory of the whole function, wherever it is written: loops reuse it."""
        self._counter += 1
        name = f"%.{self._counter}"
        self._allocas.append(f"  {name} = alloca {type_}, i32 {count}, align {align}")
        return Value("ptr", name)

    def gep(self, type_: str, pointer: Value, *indices: Value | int) -> Value:
        """The address of an element: ``pointer`` plus the indices, in units of ``type_``."""
        path = ", ".join(str(i) if isinstance(i, Value) else f"i64 {i}" for i in indices)
        return self.define("ptr", f"getelementptr {type_}, {pointer}, {path}")

    def load(
        self,
        type_: str,
        pointer: Value,
        align: int = 0,
        *,
        is_fixed: bool = False,
        is_volatile: bool = False,
        alias: str = "",
    ) -> Value:
        """Read memory.

        Args:
            type_: What is read.
            pointer: Where it lies.
            align: In bytes; 0 means the natural alignment of the type.
            is_fixed: Whether nothing writes there while the function, and what it is inlined
                into, may run.
            is_volatile: Whether it is to be read just so, and never as a part of something wider.
            alias: Name of a class of memory that overlaps no other named class; empty: any memory.
        """
        notes = self._notes(align, alias)
        if is_fixed:
            notes += f", !invariant.load !{self.module.node('')}"
        opcode = "load volatile" if is_volatile else "load"
        return self.define(type_, f"{opcode} {type_}, {pointer}{notes}")

    def store(self, value: Value, pointer: Value, align: int = 0, *, alias: str = "") -> None:
        """Write memory; ``align`` and ``alias`` as for `load`."""
        self._lines.append(f"  store {value}, {pointer}{self._notes(align, alias)}")

    def load_lanes(self, type_: str, pointer: Value, mask: Value, align: int) -> Value:
        """Read the lanes of a vector whose i1 in the mask is set; the others are zero."""
        name = f"llvm.masked.load.{mangled(type_)}.p0"
        return self.intrinsic(name, type_, pointer, const("i32", align), mask, const(type_, 0))

    def store_lanes(self, value: Value, pointer: Value, mask: Value, align: int) -> None:
        """Write the lanes of a vector whose i1 in the mask is set."""
        name = f"llvm.masked.store.{mangled(value.type)}.p0"
        self.intrinsic(name, "void", value, pointer, const("i32", align), mask)

    def _notes(self, align: int, alias: str) -> str:
        text = f", align {align}" if align else ""
        return f"{text}, !tbaa !{self.module.alias_class(alias)}" if alias else text

    def copy(self, to: Value, source: Value, size: Value, *, may_overlap: bool = False) -> None:
        """Copy ``size`` bytes, an i64; `may_overlap` as C's memmove."""
        name = "memmove" if may_overlap else "memcpy"
        self.intrinsic(f"llvm.{name}.p0.p0.i64", "void", to, source, size, const("i1", 0))

    def fill(self, to: Value, byte: int, size: Value) -> None:
        """Set ``size`` bytes, an i64, to one value."""
        self.intrinsic("llvm.memset.p0.i64", "void", to, const("i8", byte), size, const("i1", 0))

    def byte_swap(self, a: Value) -> Value:
        """The bytes in the opposite order; a whole even number of them."""
        return self.intrinsic(f"llvm.bswap.{a.type}", a.type, a)

    def leading_zeros(self, a: Value) -> Value:
        """Zero bits above the highest that is set; the width for zero."""
        return self.intrinsic(f"llvm.ctlz.{a.type}", a.type, a, const("i1", 0))

    def call(self, callee: Callee, *args: Value, tail: str = "", attributes: str = "") -> Value:
        """Call a function by name.

        Args:
            callee: From `Module.function`, `Module.declare` or ``Function.callee``.
            *args: One value for each parameter.
            tail: Empty, ``tail``, ``musttail`` or ``notail``.
            attributes: Attributes of the call site, such as ``nounwind``.

        Returns:
            The result; for a void function a value that nothing may read.
        """
        assert tuple(a.type for a in args) == callee.params, f"{callee} given {args}"
        target = f"{callee.convention} {callee.result} @{callee.name}".lstrip()
        return self._call(callee.result, target, args, tail, attributes)

    def intrinsic(self, name: str, result: str, *args: Value) -> Value:
        """Call an LLVM intrinsic, declaring it where needed."""
        callee = self.module.declare(name, result, tuple(a.type for a in args))
        return self.call(callee, *args)

    def asm(
        self, result: str, template: str, constraints: str, *args: Value, effects: bool = False
    ) -> Value:
        """Inline assembly. The compile service initialises LLVM's assembly parser.

        Args:
            result: Type of the result; a structure when several outputs are named.
            template: Instructions, AT&T syntax, ``$0`` and so on for operands.
            constraints: LLVM's constraint string.
            *args: The inputs, in the order of the constraints.
            effects: Whether it does anything besides computing its outputs.
        """
        text = template.replace("\n", "\\0A").replace("\t", "\\09")
        side = "sideeffect " if effects else ""
        return self._call(result, f'{result} asm {side}"{text}", "{constraints}"', args, "", "")

    def call_pointer(
        self, pointer: Value, form: Callee, *args: Value, tail: str = "", attributes: str = ""
    ) -> Value:
        """Call a function by its address.

        Args:
            pointer: The address.
            form: Tells result, parameters and convention; its name is not used.
            *args: One value for each parameter.
            tail: As for `call`.
            attributes: Attributes of the call site.
        """
        assert tuple(a.type for a in args) == form.params, f"{form} given {args}"
        target = f"{form.convention} {form.result} {pointer.name}".lstrip()
        return self._call(form.result, target, args, tail, attributes)

    def tail_call(self, to: Callee | Value, form: Callee, *args: Value) -> None:
        """End a void function in another one, which takes its place on the stack.

        Args:
            to: The other function, or its address.
            form: This function's own result, parameters and convention; the other's are the same.
            *args: One value for each parameter.
        """
        if isinstance(to, Value):
            self.call_pointer(to, form, *args, tail="musttail")
        else:
            self.call(to, *args, tail="musttail")
        self.ret()

    def _call(
        self, result: str, target: str, args: Sequence[Value], tail: str, attributes: str
    ) -> Value:
        given = ", ".join([f"{a.type} {a.name}" for a in args])
        text = f"{tail} call {target}({given}) {attributes}".strip()
        if result != "void":
            return self.define(result, text)
        self._lines.append(f"  {text}")
        return Value("void", "")

    def phi(self, type_: str, *incoming: tuple[Value, Label]) -> Value:
        """A value that depends on the block control came from; more edges by `incoming`."""
        self._counter += 1
        name = f"%.{self._counter}"
        self._phis[name] = (type_, name, [f"[ {v.name}, %{b.name} ]" for v, b in incoming])
        self._phis_of[self.current.name].append(name)
        return Value(type_, name)

    def incoming(self, phi: Value, value: Value, label: Label) -> None:
        """Add an edge to a phi."""
        assert value.type == phi.type, f"{phi} from {value}"
        self._phis[phi.name][2].append(f"[ {value.name}, %{label.name} ]")

    def br(self, target: Label) -> None:
        self._end(f"  br label %{target.name}")

    def cond_br(
        self, cond: Value, then: Label, other: Label, *, likely: bool | None = None
    ) -> None:
        """Branch on an i1. ``likely`` tells which way is expected, if either is."""
        weights = ""
        if likely is not None:
            weights = f", !prof !{self.module.branch_weights(likely=likely)}"
        self._end(f"  br {cond}, label %{then.name}, label %{other.name}{weights}")

    def switch(self, value: Value, default: Label, cases: Sequence[tuple[int, Label]]) -> None:
        arms = " ".join(f"{const(value.type, n)}, label %{label.name}" for n, label in cases)
        self._end(f"  switch {value}, label %{default.name} [ {arms} ]")

    def ret(self, value: Value | None = None) -> None:
        self._end("  ret void" if value is None else f"  ret {value.type} {value.name}")

    def unreachable(self) -> None:
        self._end("  unreachable")

    @contextmanager
    def loop(
        self,
        start: Value | int,
        stop: Value | int,
        *,
        step: int = 1,
        carried: Sequence[Value] = (),
    ) -> Iterator[Loop]:
        """A counted loop for ``with``; the index is an i64, compared as signed.

        Args:
            start: First index.
            stop: The index stays below it (above it, when ``step`` is negative).
            step: Added after each round; not 0.
            carried: Values that change from round to round, as they are before the first.
        """
        before, head, body = self.current, self.block("loop"), self.block("body")
        self.br(head)
        self.at(head)
        index = self.phi(
            "i64", (start if isinstance(start, Value) else const("i64", start), before)
        )
        loop = Loop(index, [self.phi(v.type, (v, before)) for v in carried])
        more = self.icmp("slt" if step > 0 else "sgt", index, stop)
        self.at(body)
        yield loop
        self.incoming(index, self.add(index, step), self.current)
        for phi, value in zip(loop.carried, loop.following, strict=True):
            self.incoming(phi, value, self.current)
        self.br(head)
        done = self.block("done")
        self.at(head)
        self.cond_br(more, body, done)
        self.at(done)

    @contextmanager
    def when(self, cond: Value, *, likely: bool | None = None) -> Iterator[None]:
        """Code for ``with`` that runs only where the i1 is set; it may end in `ret`."""
        head, then = self.current, self.block("then")
        self.at(then)
        yield
        after = self.block("after")
        if not self.ended:
            self.br(after)
        self.at(head)
        self.cond_br(cond, then, after, likely=likely)
        self.at(after)

    def __str__(self) -> str:
        before, after = self._head
        parts = [
            f"define {before}{self.callee.result} @{self.callee.name}({self._signature}){after} {{"
        ]
        for name, lines in self._blocks.items():
            assert name in self._ended, f"@{self.callee.name}: block {name} has no terminator"
            parts.append(f"{name}:")
            if name == "entry":
                parts += self._allocas
            for phi in self._phis_of[name]:
                type_, register, edges = self._phis[phi]
                parts.append(f"  {register} = phi {type_} {', '.join(edges)}")
            parts += lines
        parts.append("}\n")
        return "\n".join(parts)


class Module:
    """Functions, declarations and constants that are compiled together.

    Attributes:
        functions: Those that are defined, by name.
        provided: Names of functions that the loader provides, so that who would define them
            here declares them instead.
    """

    def __init__(self, provided: Collection[str] = ()) -> None:
        self.provided = provided
        self.functions: dict[str, Function] = {}
        self._declared: dict[str, Callee] = {}
        self._globals: dict[str, str] = {}
        self._metadata: dict[str, int] = {}

    def function(
        self,
        name: str,
        result: str,
        params: Mapping[str, str],
        *,
        internal: bool = False,
        attributes: str = "nounwind",
        convention: str = "",
    ) -> Function:
        """Open a function.

        Args:
            name: Without the ``@``; unique in the module.
            result: Type, or ``void``.
            params: Name to type, in order; attributes may follow the type (``ptr noalias``).
            internal: Visible in this module only, so that LLVM may inline and drop it.
            attributes: Attributes of the function, such as ``nounwind alwaysinline``.
            convention: Calling convention such as ``fastcc``, or empty for C's.
        """
        assert name not in self.functions, f"@{name} is defined twice"
        callee = Callee(
            name, result, tuple(_without_attributes(t) for t in params.values()), convention
        )
        before = ("internal " if internal else "") + (f"{convention} " if convention else "")
        after = f" {attributes}" if attributes else ""
        self.functions[name] = f = Function(self, callee, params, (before, after))
        return f

    def declare(
        self, name: str, result: str, params: tuple[str, ...], *, convention: str = ""
    ) -> Callee:
        """Name a function that is defined elsewhere: an intrinsic, or an import of the loader."""
        callee = self._declared.get(name)
        if callee is None:
            callee = self._declared[name] = Callee(name, result, params, convention)
        assert callee.params == params, f"@{name} is declared with other parameters"
        return callee

    def constant(
        self, name: str, type_: str, text: str, align: int = 16, *, exported: bool = False
    ) -> Value:
        """Add constant data; ``text`` is the initialiser in LLVM's spelling."""
        linkage = "" if exported else "internal unnamed_addr "
        return self._global(name, f"{linkage}constant {type_} {text}, align {align}")

    def words(self, name: str, values: Sequence[int], type_: str = "i64") -> Value:
        """Add a constant array of integers."""
        items = ", ".join([str(const(type_, v)) for v in values])
        return self.constant(name, f"[{len(values)} x {type_}]", f"[{items}]")

    def variable(self, name: str, type_: str, text: str = "zeroinitializer") -> Value:
        """Add memory that lives as long as the loaded library."""
        return self._global(name, f"internal global {type_} {text}, align 16")

    def _global(self, name: str, text: str) -> Value:
        assert name not in self._globals or self._globals[name] == text, f"@{name} differs"
        self._globals[name] = text
        return Value("ptr", f"@{name}")

    def node(self, text: str) -> int:
        """The number of a metadata node, given what stands in its braces."""
        return self._metadata.setdefault(text, len(self._metadata))

    def branch_weights(self, *, likely: bool) -> int:
        """The number of the metadata node that says which way a branch usually goes."""
        weights = "i32 2000, i32 1" if likely else "i32 1, i32 2000"
        return self.node(f'!"branch_weights", {weights}')

    def alias_class(self, name: str) -> int:
        """The number of the access tag of a class of memory that overlaps no other class."""
        root = self.node('!"numen"')
        class_ = self.node(f'!"{name}", !{root}, i64 0')
        return self.node(f"!{class_}, !{class_}, i64 0")

    def __str__(self) -> str:
        parts = [f"@{name} = {text}" for name, text in self._globals.items()]
        for c in self._declared.values():
            if c.name not in self.functions:
                head = (
                    f"declare {c.convention} {c.result}" if c.convention else f"declare {c.result}"
                )
                parts.append(f"{head} @{c.name}({', '.join(c.params)})")
        parts += [str(f) for f in self.functions.values()]
        parts += [f"!{i} = !{{{text}}}" for text, i in self._metadata.items()]
        return "\n".join(parts) + "\n"


def mangled(type_: str) -> str:
    """A type as it stands in the name of an intrinsic: ``v8i32`` for ``<8 x i32>``."""
    if type_[0] != "<":
        return type_
    lanes, element = lanes_of(type_)
    return f"v{lanes}{element}"


def _without_attributes(type_: str) -> str:
    # Aggregate types hold spaces themselves and take no attributes here.
    return type_ if type_[0] in "<{[" else type_.split(" ", 1)[0]
