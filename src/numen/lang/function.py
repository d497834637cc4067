"""One function: its parameters, its body, and the way out."""

import ast

from numen.ir.nodes import Function, Param
from numen.ir.types import Memory, Word
from numen.lang import limits, statements, tables, texts
from numen.lang.contracts.model import CONTEXT
from numen.lang.errors import FlowError, TooLargeError, TypesError
from numen.lang.expressions import evaluate
from numen.lang.facts import assigned_names
from numen.lang.frame import Frame, Value
from numen.lang.signature import Signature
from numen.lang.types import NOTHING, references, registers
from numen.lang.unit import Unit


def lower(unit: Unit, of: Signature, *, is_entry: bool = False) -> tuple[Function, Frame]:
    """Lower one instance of a function.

    Args:
        unit: The program; the instances that the body calls are added to it.
        of: The instance.
        is_entry: Whether the program starts here: constants are then made, not lent.

    Raises:
        LangError: The first thing in it that is wrong.
    """
    node = of.symbol.node
    f = Frame(unit, of.symbol, dict(of.sizes), evaluate=evaluate)
    f.bindings = assigned_names(node.body)
    f.params = frozenset(param.name for param in of.params)
    f.locals = set(f.bindings) | f.params
    if len(f.locals) > limits.VARIABLES_MAX:
        message = f"more than {limits.VARIABLES_MAX} variables"
        raise f.refuse(TooLargeError, node, message, "split the function")
    f.writer.enter("start")
    if f.host is not None:
        f.context = Param(f.writer.fresh("context"), CONTEXT)
    params = _receive(f, of)
    used = unit.facts[of.symbol.key].tables
    if is_entry:
        tables.build(f, used)
        for param in of.params:
            texts.require_sound(f, param.node, f.env[param.name])
        lent: list[Param] = []
    else:
        lent = tables.lend(f, used)
    if of.result is not None:
        _check_result(f, of)
        f.settle_result(of.result)
    statements.block(f, node.body)
    _end(f, node)
    assert f.result is not None
    results = tuple(of for of in registers(f.result) if isinstance(of, Word))
    context = [f.context] if f.context is not None else []
    return f.writer.finish(of.name, (*params, *f.out, *lent, *context), results), f


def _receive(f: Frame, of: Signature) -> list[Param]:
    params: list[Param] = []
    for param in of.params:
        if param.name in f.env:
            raise f.refuse(TypesError, param.node, f"{param.name} is named twice", "rename one")
        if param.name in f.sizes:
            raise f.refuse(
                TypesError, param.node, f"{param.name} is a size", "rename the parameter"
            )
        own = [Param(f.writer.fresh(param.name), part) for part in registers(param.type)]
        params += own
        regs = tuple(part.reg for part in own)
        f.types[param.name] = param.type
        f.env[param.name] = Value(param.type, regs, is_fresh=not references(param.type))
    return params


def _check_result(f: Frame, of: Signature) -> None:
    if isinstance(of.result, Memory):
        hint = "let the caller pass the memory"
        at = of.symbol.node.returns or of.symbol.node
        raise f.refuse(TypesError, at, "a memory cannot be returned", hint)


def _end(f: Frame, node: ast.FunctionDef) -> None:
    """Close the way that reaches the end of the text."""
    if not f.writer.is_open:
        if f.result is None:
            f.settle_result(NOTHING)
        return
    if f.result is None:
        f.settle_result(NOTHING)
    if f.result != NOTHING:
        raise f.refuse(
            FlowError,
            node,
            f"{node.name} can end without a result",
            f"return a {f.result} on every way, or end it with assert False",
        )
    f.writer.returns(())
