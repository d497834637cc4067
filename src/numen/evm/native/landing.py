"""What happens at a JUMPDEST: a compiled region takes over, or the code there gets warmer.

The heat of a JUMPDEST is the gas that was spent between the jump before it and the jump to it,
summed up. A loop of many cheap instructions and a long body run a few times are worth the same, as
they take the same time. A JUMPDEST that is fallen into is no end of a jump: of it is noted only
that control comes there, as whatever is worth compiling is jumped to.

Code that is cold has no table for heat (see `contracts`); its JUMPDESTs cost their price and a look
at `Frame.watch_gas`.
"""

from typing import Final

import msgspec

from numen.evm.forks import Fork
from numen.evm.halt import Halt
from numen.evm.native import contracts, convention
from numen.evm.native.convention import Registers
from numen.evm.native.layout import FRAME, WORLD
from numen.evm.opcodes import BY_NAME
from numen.kernels.llvm import NULL, Callee, Function, Module, Value, const

_JUMPDEST: Final = BY_NAME["JUMPDEST"].byte
_HEAT_OFFSET: Final = 8

_ON_HEAT: Final = Callee("on_heat", "void", ("ptr", "ptr", "i64"))


def land(f: Function, fork: Fork, r: Registers) -> None:
    """End in the JUMPDEST at pc after a jump; its price is not paid yet."""
    _unless_watched(f, r, "land")
    _pass(f, fork, r)


def fall(f: Function, r: Registers) -> None:
    """End in the JUMPDEST at pc after the instruction before it."""
    _unless_watched(f, r, "fall")
    convention.go_on(f, "pass", r)


def write_landing(module: Module, fork: Fork) -> None:
    """Define ``land`` and ``fall``, for where more is to be done than to pay, and their ends."""
    _write_pass(module, fork)
    _write_land(module, fork)
    _write_fall(module)
    _write_warm_up(module, fork)
    _write_heat_up(module)


def _unless_watched(f: Function, r: Registers, name: str) -> None:
    """Emit going on in a function where more is to be done than to pay."""
    with f.when(f.icmp("slt", r.gas, FRAME.load(f, r.frame, "watch_gas", is_fixed=True))):
        convention.go_on(f, name, r)


def _pass(f: Function, fork: Fork, r: Registers) -> None:
    """Pay for the JUMPDEST and go on behind it."""
    left = f.sub(r.gas, fork.base_gas[_JUMPDEST])
    with f.when(f.icmp("slt", left, 0), likely=False):
        convention.fail(f, r, Halt.OUT_OF_GAS)
    convention.dispatch(f, msgspec.structs.replace(r, pc=f.gep("i8", r.pc, 1), gas=left))


def _write_pass(module: Module, fork: Fork) -> None:
    """Pay for the JUMPDEST and for those right behind it, and go on behind them."""
    f, r = convention.open_function(module, "pass", attributes="nounwind noinline")
    before, head, behind = f.current, f.block("head"), f.block("behind")
    f.br(head)
    f.at(head)
    pc, gas = f.phi("ptr", (r.pc, before)), f.phi("i64", (r.gas, before))
    left, after = f.sub(gas, fork.base_gas[_JUMPDEST]), f.gep("i8", pc, 1)
    with f.when(f.icmp("slt", left, 0), likely=False):
        convention.fail(f, r, Halt.OUT_OF_GAS)
    opcode = f.load("i8", after, is_fixed=True)
    f.incoming(pc, after, f.current)
    f.incoming(gas, left, f.current)
    f.cond_br(f.icmp("eq", opcode, _JUMPDEST), head, behind, likely=False)
    f.at(behind)
    convention.dispatch(f, msgspec.structs.replace(r, pc=after, gas=left))


def _enter(f: Function, r: Registers, regions: Value) -> Value:
    """Emit going on in the region that begins at pc, if there is one; gives the table's entry."""
    entry = convention.region_entry(f, r, regions)
    region = f.load("ptr", entry)
    with f.when(f.icmp("ne", region, NULL), likely=True):
        convention.go_on(f, region, r)
    return entry


def _write_land(module: Module, fork: Fork) -> None:
    f, r = convention.open_function(module, "land")
    regions = FRAME.load(f, r.frame, "regions")
    with f.when(f.icmp("eq", regions, NULL), likely=False):
        convention.go_on(f, "warm_up", r)
    heat_at = f.gep("i8", _enter(f, r, regions), _HEAT_OFFSET)
    before = f.load("i64", heat_at)
    spent = f.sub(FRAME.load(f, r.frame, "heat_gas"), r.gas)
    after = f.add(before, spent)
    FRAME.store(f, r.frame, "heat_gas", r.gas)
    f.store(after, heat_at)
    world = FRAME.load(f, r.frame, "world", is_fixed=True)
    limit = WORLD.load(f, world, "heat_limit", is_fixed=True)
    is_crossing = f.and_(f.icmp("slt", before, limit), f.icmp("sge", after, limit))
    with f.when(is_crossing, likely=False):
        convention.go_on(f, "heat_up", r)
    _pass(f, fork, r)


def _write_fall(module: Module) -> None:
    f, r = convention.open_function(module, "fall")
    regions = FRAME.load(f, r.frame, "regions")
    with f.when(f.icmp("ne", regions, NULL), likely=True):
        heat_at = f.gep("i8", _enter(f, r, regions), _HEAT_OFFSET)
        with f.when(f.icmp("eq", f.load("i64", heat_at), 0), likely=False):
            f.store(const("i64", 1), heat_at)
    convention.go_on(f, "pass", r)


def _write_warm_up(module: Module, fork: Fork) -> None:
    """The code has spent its patience: from here on its heat is counted, if the tier wants it."""
    f, r = convention.open_function(module, "warm_up", attributes="nounwind noinline cold")
    world, code = (FRAME.load(f, r.frame, name) for name in ("world", "code_entry"))
    regions = contracts.warm(f, world, code)
    is_wanted = f.icmp("ne", regions, NULL)
    watch = f.select(is_wanted, const("i64", contracts.ALWAYS), const("i64", contracts.NEVER))
    for name, value in (("regions", regions), ("watch_gas", watch), ("heat_gas", r.gas)):
        FRAME.store(f, r.frame, name, value)
    with f.when(is_wanted):
        _enter(f, r, regions)
    _pass(f, fork, r)


def _write_heat_up(module: Module) -> None:
    """Tell Python of hot code; it may fill the region table before it returns."""
    f, r = convention.open_function(module, "heat_up", attributes="nounwind noinline cold")
    world = FRAME.load(f, r.frame, "world", is_fixed=True)
    code = FRAME.load(f, r.frame, "code_entry", is_fixed=True)
    at = convention.program_counter(f, r)
    f.call_pointer(WORLD.load(f, world, "on_heat"), _ON_HEAT, world, code, at)
    convention.dispatch(f, r)
