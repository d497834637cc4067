"""What is worth compiling, and what compiling may cost.

Heat is measured in gas: what the interpreter spent on the way to a JUMPDEST, summed over the runs.
A body of thousands of instructions that ran a few times is then as hot as a short loop that ran
often, as it should be, because both have taken the same time.
"""

from typing import Final

import msgspec

from numen.evm.tier.regions import Bounds
from numen.kernels.options import Options


class Policy(msgspec.Struct, frozen=True):
    """When to compile, and how.

    Attributes:
        patience: Gas that a code spends before its heat is counted at all.
        heat_limit: Gas after which a JUMPDEST asks to be compiled.
        warm_limit: Heat from which another JUMPDEST of the same code is compiled with it.
        bounds: Of each region.
        cost_allowance: Cost of regions that every code may have compiled.
        gas_per_cost: Gas of interpretation that earns a code a cost of one more. Compiling costs at
            most so many times what was spent on interpreting, whatever the code.
        regions_max: Most regions that one request compiles.
        code_regions_max: Most regions of one code, over time.
        machine_regions_max: Most regions of one machine, over time.
        batch_cost: Regions are compiled together until their cost comes to this, so that the
            hottest are in use while the others are compiled.
        options: Effort and limits of the compiler.
    """

    patience: int = 150_000
    heat_limit: int = 200_000
    warm_limit: int = 20_000
    bounds: Bounds = Bounds()
    cost_allowance: int = 7_000
    gas_per_cost: int = 3_000
    regions_max: int = 32
    code_regions_max: int = 512
    machine_regions_max: int = 16_384
    batch_cost: int = 2_000
    options: Options = Options(
        passes="lean",
        codegen=1,
        is_far=True,
        untrusted=True,
        cap_instructions=12_000,
        cap_text_bytes=8 << 20,
        limit_ms=2_000,
        limit_bytes=512 << 20,
    )


HOT: Final = Policy()
"""Compiles in the background what runs often: about a tenth of a millisecond of interpretation
makes a loop hot. Measured: against `quick`, `lean` takes a tenth longer and makes loops over memory
a sixth faster; LLVM's higher efforts of code generation change nothing."""

WHOLE: Final = Policy(
    patience=0,
    heat_limit=1 << 62,
    cost_allowance=1 << 40,
    regions_max=4_096,
    code_regions_max=4_096,
    machine_regions_max=1 << 20,
    batch_cost=30_000,
    bounds=Bounds(cost=1500, instances=64, clones=2),
    options=msgspec.structs.replace(
        HOT.options, passes="quick", codegen=0, limit_ms=30_000, limit_bytes=3 << 30
    ),
)
"""Compiles everything before it runs, quickly rather than well: for tests."""
