"""What happens at a JUMPDEST: a compiled region takes over, or the code there gets warmer.

The heat of a JUMPDEST is the gas that was spent between arriving at the JUMPDEST before it and
arriving at it, summed up. A loop of many cheap instructions and a long body run a few times are
worth the same, as they take the same time.
"""

from typing import Final

import msgspec

from numen.evm.forks import Fork
from numen.evm.halt import Halt
from numen.evm.native import convention
from numen.evm.native.convention import Registers
from numen.evm.native.layout import FRAME, WORLD
from numen.evm.opcodes import BY_NAME
from numen.kernels.llvm import NULL, Callee, Function, Module

_JUMPDEST: Final = BY_NAME["JUMPDEST"].byte

_ON_HEAT: Final = Callee("on_heat", "void", ("ptr", "ptr", "i64"))


def land(f: Function, fork: Fork, r: Registers) -> None:
    """End in the JUMPDEST at pc; its price is not paid yet."""
    regions = FRAME.load(f, r.frame, "regions", is_fixed=True)
    with f.when(f.icmp("ne", regions, NULL)):
        convention.go_on(f, "land", r)
    _pass(f, fork, r)


def write_landing(module: Module, fork: Fork) -> None:
    """Define ``land``, which is `land` for code that has a region table, and ``heat_up``."""
    f, r = convention.open_function(module, "land")
    regions = FRAME.load(f, r.frame, "regions", is_fixed=True)
    entry = convention.region_entry(f, r, regions)
    region = f.load("ptr", entry)
    with f.when(f.icmp("ne", region, NULL), likely=True):
        convention.go_on(f, region, r)
    heat_at = f.gep("i8", entry, 8)
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
    _write_heat_up(module)


def _pass(f: Function, fork: Fork, r: Registers) -> None:
    """Pay for the JUMPDEST and go on behind it."""
    left = f.sub(r.gas, fork.base_gas[_JUMPDEST])
    with f.when(f.icmp("slt", left, 0), likely=False):
        convention.fail(f, r, Halt.OUT_OF_GAS)
    convention.dispatch(f, msgspec.structs.replace(r, pc=f.gep("i8", r.pc, 1), gas=left))


def _write_heat_up(module: Module) -> None:
    """Tell Python of hot code; it may fill the region table before it returns."""
    f, r = convention.open_function(module, "heat_up", attributes="nounwind noinline cold")
    world = FRAME.load(f, r.frame, "world", is_fixed=True)
    code = FRAME.load(f, r.frame, "code_entry", is_fixed=True)
    at = convention.program_counter(f, r)
    f.call_pointer(WORLD.load(f, world, "on_heat"), _ON_HEAT, world, code, at)
    convention.dispatch(f, r)
