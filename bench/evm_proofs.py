"""Constraints of functions of contracts, proven from their bytecode; with --prove also the times.

python bench/evm_proofs.py            the table of docs/guides/evm-proofs.md
python bench/evm_proofs.py --prove    set up, prove and verify each, in seconds of wall time
"""

import argparse
import time
from pathlib import Path
from typing import Final

from numen.api import proofs
from numen.api.bounds import Bounds
from numen.api.compiled import from_contract

FOLDER: Final = Path(__file__).parents[1] / "examples/contracts"
PAIR, MEMBER = "(uint256,uint256)", "member(bytes32,bytes32,bytes32[])"
CASES: Final = (
    (f"add{PAIR}", f"add{PAIR}", Bounds(), (3, 4)),
    (f"mul{PAIR}", f"mul{PAIR}", Bounds(), (3, 4)),
    (f"gcd{PAIR}", f"gcd{PAIR}", Bounds(loop=24), (48, 36)),
    ("isqrt(uint256)", "root(uint256)", Bounds(loop=24), (144,)),
    ("total(uint256[])", "total(uint256[])", Bounds(array=16), ([1, 2, 3],)),
    ("largest(uint256[])", "", Bounds(array=16), ([1, 3, 2],)),
    ("dot(uint256[],uint256[])", "", Bounds(array=8), ([1, 2], [3, 4])),
    (MEMBER, MEMBER, Bounds(array=1), (1, 2, [3])),
    (MEMBER, MEMBER, Bounds(array=4), (1, 2, [3])),
)
"""Signatures in Solidity and in Vyper, bounds, and arguments."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Constraints of functions of contracts.")
    parser.add_argument("--prove", action="store_true", help="prove one call of each as well")
    with_proofs = parser.parse_args().prove
    times = " compile | set up | prove | verify |" if with_proofs else ""
    print(f"| function | compiler | bounds | constraints |{times}")
    print("|---|---|---|--:|" + "--:|" * (4 if with_proofs else 0))
    for solidity, vyper, bounds, args in CASES:
        for signature, compiler in ((solidity, "solc"), (vyper, "vyper")):
            if signature:
                print(_row(signature, compiler, bounds, args, with_proofs=with_proofs), flush=True)


def _row(
    signature: str, compiler: str, bounds: Bounds, args: tuple[object, ...], *, with_proofs: bool
) -> str:
    start = time.perf_counter()
    program = from_contract(FOLDER / f"provable.{compiler}.hex", signature, bounds)
    count = program.circuit.constraint_count
    taken = [time.perf_counter() - start]
    options = ""
    if bounds.array is not None:
        options = f"`--array-bound {bounds.array}`"
    elif bounds.loop is not None and compiler != "vyper":
        options = f"`--loop-bound {bounds.loop}`"
    row = f"| `{signature}` | {compiler} | {options} | {count:,} |"
    if not with_proofs:
        return row
    start = time.perf_counter()
    keys = program.setup()
    taken.append(time.perf_counter() - start)
    start = time.perf_counter()
    proven = program.prove(*args, keys=keys)
    taken.append(time.perf_counter() - start)
    start = time.perf_counter()
    proofs.verify(keys, proven)
    taken.append(time.perf_counter() - start)
    return row + "".join(f" {seconds:.2f} |" for seconds in taken)


if __name__ == "__main__":
    main()
