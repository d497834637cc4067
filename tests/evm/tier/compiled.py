"""Code that runs in regions from its first instruction on, in a machine of one frame."""

import ctypes

import msgspec

from numen.evm.forks import fork
from numen.evm.native.layout import CODE
from numen.evm.tier.blocks import Program
from numen.evm.tier.policy import Policy
from numen.evm.tier.regions import USUAL, Bounds, Region, cover
from numen.evm.tier.service import Mode, Tier
from numen.evm.tier.store import Linked, import_names, text_of
from numen.evm.tier.tables import Tables
from numen.kernels import compiler
from numen.kernels.errors import LinkError
from numen.kernels.options import Options
from tests.evm.native.bare import Bare, Ran

ON_HEAT = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
OPTIONS = Options(passes="quick", codegen=0, cached=False)


class CompiledBare(Bare):
    """One World with one frame, whose code is compiled before it runs."""

    def __init__(self, name: str, bounds: Bounds = USUAL) -> None:
        super().__init__(fork(name))
        self.fork = fork(name)
        self.bounds = bounds
        self.imports = imports_of(self)
        self._linked: Linked | None = None

    def prepare(self, code: bytes, options: Options = OPTIONS) -> list[Region]:
        """Compile all of a code."""
        program = Program(code, self.fork)
        regions = cover(program, [0, *sorted(program.destinations)], bounds=self.bounds)
        regions = [region for region in regions if region.head < max(1, len(code))]
        data = compiler.compile_module(text_of(program, regions), options=options)
        self._linked = Linked(data, [region.head for region in regions], self.imports)
        self._tables = Tables()
        table = self._tables.new(len(code))
        assert table is not None
        for head, address in self._linked.addresses.items():
            table.publish(head, address)
        self.regions = table.address
        return regions


def imports_of(bare: Bare) -> dict[str, int]:
    """What regions may call, as far as a bare machine has it."""
    found = {}
    for symbol in import_names():
        try:
            found[symbol] = bare.library.address(symbol)
        except LinkError:
            continue
    return found


def same(a: Ran, b: Ran) -> bool:
    """Whether two runs are the same but for which of several failures was found first."""
    return msgspec.structs.replace(a, halt=b.halt) == b and (
        a.halt is b.halt or (a.halt.is_failure and b.halt.is_failure)
    )


class HotBare(Bare):
    """One World with one frame, whose code a tier compiles while it runs."""

    def __init__(self, name: str, mode: Mode = "hot", policy: Policy | None = None) -> None:
        super().__init__(fork(name))
        self.tier = Tier(fork(name), imports_of(self), mode=mode, policy=policy)
        self._callback = ON_HEAT(lambda _, entry, pc: self.tier.on_heat(entry, pc))
        self.entry = 0

    def adopt(self, code: bytes) -> tuple[int, int, int]:
        """Place a code that the tier knows."""
        loaded = self.load(code)
        self.entry = self._new(CODE.size_bytes)
        CODE.write(self.entry, "bytes", loaded[0])
        CODE.write(self.entry, "length", loaded[1])
        self.tier.on_code(self.entry)
        self.regions = CODE.read(self.entry, "regions")
        return loaded

    def again(self, loaded: tuple[int, int, int], data: bytes = b"", *, gas: int) -> Ran:
        """Run an adopted code."""
        address = ctypes.cast(self._callback, ctypes.c_void_p).value
        fields = {
            "code_entry": self.entry,
            "heat_limit": self.tier.heat_limit,
            "heat_gas": gas,
            "on_heat": address or 0,
        }
        self.start(loaded, (self.bytes_at(data), len(data)), gas=gas, fields=fields)
        self.enter(self.world)
        return self.result()
