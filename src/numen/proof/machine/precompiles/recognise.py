"""Which functions of a program are precompiles: those whose content is that of one.

The content of a function is its code and those of its arrays that are constants: where every call
passes an array with the same elements, which nothing ever writes, they are as much part of what it
computes as its code. The language passes tables of a module so. Names do not matter, so whoever
has the bytecode recognises the same functions, and whoever writes their own SHA-256 pays for it.
"""

from collections.abc import Mapping

from numen.base.codec import digest
from numen.ir.check import call_order
from numen.ir.encode import encode_leaf
from numen.ir.nodes import Function, Instr, Reg
from numen.ir.ops import Op
from numen.proof.machine.precompiles.every import BY_CONTENT
from numen.proof.machine.precompiles.spec import Precompile

Elements = tuple[int, ...]
Tables = Mapping[Reg, Elements]


def recognise(functions: Mapping[str, Function], entry: str) -> dict[str, Precompile]:
    """Find the precompiles among functions, all of which the entry reaches."""
    tables = constants(functions)
    found = {}
    for name, fn in functions.items():
        if name == entry or any(instr.op is Op.CALL for instr in _body(fn)):
            continue
        known = BY_CONTENT.get(content(fn, tables[name]))
        if known is not None:
            found[name] = known
    return found


def content(fn: Function, tables: Tables) -> str:
    """The digest of a function that calls no other, in hexadecimal digits.

    Args:
        fn: The function.
        tables: Elements of its parameters that are constants.
    """
    code = encode_leaf(fn)
    raw = len(code).to_bytes(8, "little") + code
    for param in fn.params:
        elements = tables.get(param.reg)
        raw += b"varies " if elements is None else b"is %d " % len(elements)
        raw += b"".join(b"%d " % element for element in elements or ())
    return digest("numen/machine/function/1", raw).hex()


def constants(functions: Mapping[str, Function]) -> dict[str, dict[Reg, Elements]]:
    """The arrays of each function that hold the same elements whenever it is called."""
    order = call_order(functions)
    written: dict[str, set[Reg]] = {}
    for name in order:
        written[name] = _written(functions[name], functions, written)
    found: dict[str, dict[Reg, Elements]] = {}
    passed: dict[str, list[list[Elements | None]]] = {name: [] for name in functions}
    for name in reversed(order):
        fn = functions[name]
        known = _made(fn) | _agreed(fn, passed[name])
        found[name] = {reg: one for reg, one in known.items() if reg not in written[name]}
        for instr in _body(fn):
            if instr.op is Op.CALL:
                passed[instr.symbol].append([found[name].get(reg) for reg in instr.args])
    return found


def _body(fn: Function) -> list[Instr]:
    return [instr for block in fn.blocks.values() for instr in block.body]


def _written(
    fn: Function, functions: Mapping[str, Function], done: Mapping[str, set[Reg]]
) -> set[Reg]:
    """Registers of arrays that the function, or one that it calls, may write or look at in part."""
    found: set[Reg] = set()
    for instr in _body(fn):
        match instr.op:
            case Op.SET | Op.COPY | Op.STORE:
                found.add(instr.args[0])
            case Op.SLICE:
                found.update((instr.args[0], *instr.dests))
            case Op.CALL:
                params = functions[instr.symbol].params
                found.update(
                    reg
                    for reg, param in zip(instr.args, params, strict=True)
                    if param.reg in done[instr.symbol]
                )
    return found


def _made(fn: Function) -> dict[Reg, Elements]:
    return {
        instr.dests[0]: instr.data for instr in _body(fn) if instr.op is Op.ARRAY and instr.data
    }


def _agreed(fn: Function, calls: list[list[Elements | None]]) -> dict[Reg, Elements]:
    """The elements that all calls pass for a parameter."""
    found = {}
    for index, param in enumerate(fn.params):
        given = {call[index] for call in calls}
        elements = next(iter(given)) if len(given) == 1 else None
        if elements is not None:
            found[param.reg] = elements
    return found
