"""The instruction set of the register machine: one table, read by everyone.

An instruction is written ``dest = op.type operands``. The suffix is the type of its operands:
``x = add.u64 a, b``. A second suffix names the result where the operands do not settle it:
``y = cast.u64.u8 x``.
"""

from collections.abc import Callable
from enum import Enum, Flag, auto
from typing import Any, Final

import msgspec

from numen.ir import meaning
from numen.ir.types import Array, Kind, Memory, Type, Word


class Effect(Flag):
    """What an instruction can see or change outside its registers."""

    NONE = 0
    READ = auto()
    """Depends on the contents of an array or memory."""
    WRITE = auto()
    """Changes the contents of an array or memory."""
    TRAP = auto()
    """May end the program: it must not be moved up past another effect, nor deleted."""
    CALL = auto()
    """Enters another function."""


class ProofClass(Enum):
    """What an instruction costs in a circuit, where its operands are not constants."""

    FREE = "free"
    """Nothing: a linear combination."""
    PRODUCT = "product"
    """One constraint, in the field."""
    BITS = "bits"
    """About one constraint a bit of the word."""
    STORE = "store"
    """Nothing at a constant index, one or more constraints an element otherwise."""
    CONTROL = "control"
    """Depends on what is called."""
    NONE = "none"
    """No circuit has it."""


class Op(Enum):
    """The instructions, by the name the text form uses."""

    # Members are singletons, and every pass looks them up in tables: the default hash is of the
    # name, in Python.
    __hash__ = object.__hash__

    CONST = "const"
    ADD = "add"
    SUB = "sub"
    MUL = "mul"
    WRAPPING_ADD = "wrapping_add"
    WRAPPING_SUB = "wrapping_sub"
    WRAPPING_MUL = "wrapping_mul"
    DIV = "div"
    REM = "rem"
    ADD_MOD = "add_mod"
    SUB_MOD = "sub_mod"
    MUL_MOD = "mul_mod"
    DIV_MOD = "div_mod"
    AND = "and"
    OR = "or"
    XOR = "xor"
    NOT = "not"
    SHL = "shl"
    SHR = "shr"
    EQ = "eq"
    LT = "lt"
    SELECT = "select"
    CAST = "cast"
    TRUNCATE = "truncate"
    REQUIRE = "require"
    ARRAY = "array"
    GET = "get"
    SET = "set"
    SLICE = "slice"
    COPY = "copy"
    MEMORY = "memory"
    LOAD = "load"
    STORE = "store"
    CALL = "call"
    HASH = "hash"
    HASH_BYTES = "hash_bytes"
    RECOVER = "recover"
    STATE_LOAD = "state_load"
    STATE_STORE = "state_store"
    EMIT = "emit"
    METER = "meter"


class On(Flag):
    """The kinds of type a suffix may be."""

    NOTHING = 0
    BOOL = auto()
    UNSIGNED = auto()
    SIGNED = auto()
    FIELD = auto()
    ARRAY = auto()
    MEMORY = auto()
    INTEGER = UNSIGNED | SIGNED
    NUMBER = INTEGER | FIELD
    BITS = BOOL | INTEGER
    WORD = NUMBER | BOOL


class Spec(msgspec.Struct, frozen=True):
    """Everything that is true of an instruction wherever it stands.

    Attributes:
        operands: One letter an operand: ``t`` the suffix type, ``b`` a bool, ``i`` a u64, ``k`` a
            u256, ``r`` a reference of the suffix type, ``e`` an element of it, ``m`` a reference
            to any memory, ``*`` as the callee says.
        results: The same letters for the registers written; ``s`` is the second suffix.
        on: What the suffix may be.
        work: Work units of one execution on a 64-bit word; `work` scales it by width and length.
        proof: What it costs in a circuit.
        effect: What it touches; `Effect.NONE` makes it free to move, merge or delete.
        means: Its meaning over any algebra; None where only an engine can say. Called with the
            algebra, the word type (of the operands, or the second suffix of a conversion), and
            the operands.
    """

    operands: str
    results: str
    on: On
    work: int
    proof: ProofClass
    effect: Effect = Effect.NONE
    means: Callable[..., Any] | None = None


_N, _R, _W, _T = Effect.NONE, Effect.READ, Effect.WRITE, Effect.TRAP
_C = Effect.CALL
_FREE, _PROD, _BITS = ProofClass.FREE, ProofClass.PRODUCT, ProofClass.BITS
_STORE, _CTRL, _NONE = ProofClass.STORE, ProofClass.CONTROL, ProofClass.NONE

# fmt: off
SPECS: Final = {
    #                      in     out  suffix       work proof   effect     meaning
    Op.CONST:         Spec("",    "t", On.WORD,       0, _FREE,  _N),
    Op.ADD:           Spec("tt",  "t", On.NUMBER,     1, _BITS,  _T,       meaning.add),
    Op.SUB:           Spec("tt",  "t", On.NUMBER,     1, _BITS,  _T,       meaning.sub),
    Op.MUL:           Spec("tt",  "t", On.NUMBER,     2, _BITS,  _T,       meaning.mul),
    Op.WRAPPING_ADD:  Spec("tt",  "t", On.INTEGER,    1, _BITS,  _N,       meaning.wrapping_add),
    Op.WRAPPING_SUB:  Spec("tt",  "t", On.INTEGER,    1, _BITS,  _N,       meaning.wrapping_sub),
    Op.WRAPPING_MUL:  Spec("tt",  "t", On.INTEGER,    2, _BITS,  _N,       meaning.wrapping_mul),
    Op.DIV:           Spec("tt",  "t", On.NUMBER,     8, _BITS,  _T,       meaning.div),
    Op.REM:           Spec("tt",  "t", On.INTEGER,    8, _BITS,  _T,       meaning.rem),
    Op.ADD_MOD:       Spec("ttt", "t", On.UNSIGNED,  10, _BITS,  _T,       meaning.add_mod),
    Op.SUB_MOD:       Spec("ttt", "t", On.UNSIGNED,  10, _BITS,  _T,       meaning.sub_mod),
    Op.MUL_MOD:       Spec("ttt", "t", On.UNSIGNED,  12, _BITS,  _T,       meaning.mul_mod),
    Op.DIV_MOD:       Spec("ttt", "t", On.UNSIGNED, 400, _BITS,  _T,       meaning.div_mod),
    Op.AND:           Spec("tt",  "t", On.BITS,       1, _BITS,  _N,       meaning.bit_and),
    Op.OR:            Spec("tt",  "t", On.BITS,       1, _BITS,  _N,       meaning.bit_or),
    Op.XOR:           Spec("tt",  "t", On.BITS,       1, _BITS,  _N,       meaning.bit_xor),
    Op.NOT:           Spec("t",   "t", On.BITS,       1, _FREE,  _N,       meaning.bit_not),
    Op.SHL:           Spec("tt",  "t", On.INTEGER,    1, _BITS,  _T,       meaning.shl),
    Op.SHR:           Spec("tt",  "t", On.INTEGER,    1, _BITS,  _T,       meaning.shr),
    Op.EQ:            Spec("tt",  "b", On.WORD,       1, _PROD,  _N,       meaning.eq),
    Op.LT:            Spec("tt",  "b", On.INTEGER,    1, _BITS,  _N,       meaning.lt),
    Op.SELECT:        Spec("btt", "t", On.WORD,       1, _PROD,  _N,       meaning.select),
    Op.CAST:          Spec("t",   "s", On.WORD,       1, _BITS,  _T,       meaning.cast),
    Op.TRUNCATE:      Spec("t",   "s", On.BITS,       1, _BITS,  _N,       meaning.truncate),
    Op.REQUIRE:       Spec("b",   "",  On.NOTHING,    1, _PROD,  _T),
    Op.ARRAY:         Spec("",    "r", On.ARRAY,      1, _FREE,  _W),
    Op.GET:           Spec("ri",  "e", On.ARRAY,      1, _STORE, _R|_T),
    Op.SET:           Spec("rie", "",  On.ARRAY,      1, _STORE, _W|_T),
    Op.SLICE:         Spec("ri",  "s", On.ARRAY,      1, _STORE, _T),
    Op.COPY:          Spec("rr",  "",  On.ARRAY,      1, _FREE,  _R|_W),
    Op.MEMORY:        Spec("",    "r", On.MEMORY,     1, _FREE,  _W),
    Op.LOAD:          Spec("mi",  "t", On.WORD,       1, _STORE, _R|_T),
    Op.STORE:         Spec("mit", "",  On.WORD,       1, _STORE, _W|_T),
    Op.CALL:          Spec("*",   "*", On.NOTHING,    4, _CTRL,  _R|_W|_T|_C),
    Op.HASH:          Spec("kk",  "k", On.NOTHING,  160, _NONE,  _N),
    Op.HASH_BYTES:    Spec("ri",  "k", On.ARRAY,    160, _NONE,  _R|_T),
    Op.RECOVER:       Spec("kkkk", "k", On.NOTHING, 60_000, _NONE, _N),
    Op.STATE_LOAD:    Spec("k",   "k", On.NOTHING,  400, _NONE,  _R|_T),
    Op.STATE_STORE:   Spec("kk",  "",  On.NOTHING, 2400, _NONE,  _W|_T),
    Op.EMIT:          Spec("iri", "",  On.ARRAY,    100, _NONE,  _R|_W|_T),
    Op.METER:         Spec("*",   "",  On.NOTHING,    0, _FREE,  _T),
}
# fmt: on
"""Beside `ADD` to `MUL`: in the field they are free or products, and never trap (see `effect`).

`COPY` writes its first operand with its second, which may overlap it. `SLICE` is a view: its second
suffix is an array type no longer than the first, its index the first element. `LOAD` and `STORE`
are little-endian at any byte offset; every byte touched must be inside. `HASH` is Keccak-256 of
two words, big-endian, the first one first; `HASH_BYTES` that of as many of the first bytes of an
array of u256, big-endian, as its last operand says. `RECOVER` is the account that made a signature
(`ir.host.recover_signer`): of a digest, r, s and v; 0 where nobody did. `STATE_LOAD`, `STATE_STORE`
and `EMIT` speak to the host of a contract (`ir.host`): a slot by its key, and a record of a kind,
which is as many of the first words of an array of u256 as the last operand says. `METER` charges
its immediate, times its operand if it has one (a u64).
"""

assert set(SPECS) == set(Op), "an instruction has no row"

_KINDS = {
    Kind.BOOL: On.BOOL,
    Kind.UNSIGNED: On.UNSIGNED,
    Kind.SIGNED: On.SIGNED,
    Kind.FIELD: On.FIELD,
}

FIELD_WORK: Final = 8
"""How many times the work of a 64-bit operation one in the field is."""

_FILL_PER_UNIT: Final = 64
"""Bytes cleared or copied for one work unit."""

_RATE_BYTES: Final = 136
"""Bytes that one permutation of Keccak-256 takes in."""

_EMITTED_BYTE_WORK: Final = 4
"""Work units of each byte that the array of a record has: a ledger hashes and keeps it."""


def is_allowed(op: Op, suffix: Type | None) -> bool:
    """Say whether an instruction may carry a suffix."""
    match suffix:
        case None:
            return op in _ALLOWED[On.NOTHING]
        case Word():
            return op in _ALLOWED[_KINDS[suffix.kind]]
        case Array():
            return op in _ALLOWED[On.ARRAY]
        case Memory():
            return op in _ALLOWED[On.MEMORY]


_ALLOWED = {
    on: frozenset(op for op, spec in SPECS.items() if spec.on & on or spec.on is on) for on in On
} | {On.NOTHING: frozenset(op for op, spec in SPECS.items() if spec.on is On.NOTHING)}


def effect(op: Op, suffix: Type | None) -> Effect:
    """What an instruction touches; arithmetic in the field traps only where it divides by zero."""
    if isinstance(suffix, Word) and suffix.kind is Kind.FIELD and op in _FIELD_TOTAL:
        return Effect.NONE
    return SPECS[op].effect


_FIELD_TOTAL = frozenset({Op.ADD, Op.SUB, Op.MUL})


def work(op: Op, suffix: Type | None) -> int:
    """Work units of one execution: by limbs of 64 bits for words, by bytes for what is filled."""
    base = SPECS[op].work
    if isinstance(suffix, Word):
        if suffix.kind is Kind.FIELD:
            return base * FIELD_WORK
        limbs = -(-suffix.bits // 64)
        return base * int(limbs ** _GROWTH.get(op, 1))
    if op is Op.HASH_BYTES and suffix is not None:
        return base * (1 + suffix.size_bytes // _RATE_BYTES)
    if op is Op.EMIT and suffix is not None:
        return base + _EMITTED_BYTE_WORK * suffix.size_bytes
    if op in _FILLS and suffix is not None:
        return base + -(-suffix.size_bytes // _FILL_PER_UNIT)
    return base


_GROWTH = dict.fromkeys((Op.MUL, Op.WRAPPING_MUL, Op.DIV, Op.REM, Op.MUL_MOD), 2) | {Op.DIV_MOD: 3}
"""The power of the limbs that work grows with: an inverse takes divisions, as many as a word has
bits."""

_FILLS = frozenset({Op.ARRAY, Op.COPY, Op.MEMORY})

HOST: Final = frozenset({Op.STATE_LOAD, Op.STATE_STORE, Op.EMIT, Op.RECOVER})
"""Instructions that only a program with a host may have."""

HASHES: Final = frozenset({Op.HASH, Op.HASH_BYTES})
"""Instructions that no prover has, beside those."""
