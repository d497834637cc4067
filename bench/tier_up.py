"""Becoming hot: what compiling the hot part of large contracts costs, and of code made to hurt.

Each program runs again and again on a new machine, with an empty cache of objects, for as many
calls as make its hot code hot; then the machine waits until nothing is being compiled. Counted are
the seconds of processor that the helper process took in all, the most memory that it held, and how
many calls came to their end while it was at work, which is how execution goes on meanwhile.

The programs are those of the public collection (``NUMEN_VECTORS``/evm-bench) with the longest code,
and bombs: 4,096 MSTOREs in one block, as many JUMPDESTs as a contract may have, loops in loops.
"""

import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from harness import Row, main
from numen.evm.fuzz.case import Case
from numen.evm.fuzz.saved import read_cases
from rivals import machines

HERE = Path(__file__).parent
VECTORS = Path(os.environ.get("NUMEN_VECTORS", HERE.parents[1] / "shared/vectors"))

LARGE = "seaport fiat_token univ2_router uniswap_v2_pair burntpix snailtracer weierstrudel/15"
"""Contracts of the collection with 11,000 to 24,576 bytes."""

BOMBS = "memory_grow_mstore/by32 memory_grow_mload/by32 JUMPDEST_n0 loop_with_many jump_around"
"""Programs of the collection whose code is one pattern, as long as it may be."""

LARGE_SECONDS, BOMB_SECONDS, MEMORY_MIB = 0.5, 2.0, 512
"""Bars: of processor, and of memory."""

HEAT_GAS, CALLS_MAX, SECONDS_MAX = 60_000_000, 3_000, 4.0
"""What a program runs for: so much gas in so many calls, or so long."""

NEST_DEPTH = 90
"""Loops in loops: as many as the stack has room for, with their counters."""


def contests(quick: bool) -> Iterator[Row]:
    """Every program: processor time, memory, calls meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NUMEN_CACHE"] = folder
        for case, bar in programs():
            if not quick or bar == BOMB_SECONDS:
                yield from tier_up(case, bar)


def programs() -> Iterator[tuple[Case, float]]:
    """Programs with the bar of each."""
    path = VECTORS / "evm-bench/bench_cases.json"
    base: Case | None = None
    if path.exists():
        for case, _ in read_cases(path.read_bytes()):
            base = base or case
            for words, bar in ((LARGE, LARGE_SECONDS), (BOMBS, BOMB_SECONDS)):
                if any(word in case.name for word in words.split()):
                    yield case, bar
    else:
        print(f"{path} is not here: its programs are left out", file=sys.stderr)
        base, _ = read_cases((HERE / "contracts/cases.json").read_bytes())[0]
    assert base
    for name, code in (("4,096 MSTOREs", mstores()), ("24,570 JUMPDESTs", jumpdests()),
                       (f"{NEST_DEPTH} loops in loops", nest(NEST_DEPTH))):  # fmt: skip
        yield with_code(base, name, code), BOMB_SECONDS


def with_code(case: Case, name: str, code: bytes) -> Case:
    """A case of a contract with some code, 3 million gas a call."""
    to = case.message.to
    assert to
    account = msgspec.structs.replace(case.pre[to], code=code)
    message = msgspec.structs.replace(case.message, gas=3_000_000, data=b"", value=0)
    return msgspec.structs.replace(case, name=name, pre={**case.pre, to: account}, message=message)


def mstores() -> bytes:
    """A block of 4,096 MSTOREs at different places, in a loop without end."""
    stores = b"".join(
        b"\x30\x61" + (32 * n % 65_000).to_bytes(2, "big") + b"\x52" for n in range(4_096)
    )
    return b"\x5b" + stores + b"\x5f\x56"


def jumpdests() -> bytes:
    """As many JUMPDESTs as a contract may have, in a loop without end."""
    return b"\x5b" * 24_570 + b"\x5f\x56"


def nest(depth: int) -> bytes:
    """Loops in loops, three rounds each, until the gas is used up."""
    code, heads = b"", []
    for _ in range(depth):
        code += b"\x60\x03\x5b"  # a counter; the head of its loop
        heads.append(len(code) - 1)
    for head in reversed(heads):
        # One less; again, if it is not zero.
        code += b"\x60\x01\x90\x03\x80\x61" + head.to_bytes(2, "big") + b"\x57\x50"
    return code + b"\0"


def tier_up(case: Case, bar: float) -> Iterator[Row]:
    """Make one program hot."""
    ours = machines.Ours(case, "hot")
    tier = getattr(ours.machine, "tier", None)
    assert tier
    before, start = helper_seconds(), time.perf_counter()
    calls, spent, meanwhile = 0, 0, 0
    while calls < CALLS_MAX and spent < HEAT_GAS and time.perf_counter() - start < SECONDS_MAX:
        is_busy = not tier.wait(0)
        spent += max(ours()[1], 1)
        calls += 1
        meanwhile += is_busy
    tier.wait()
    seconds, mib = helper_seconds() - before, helper_peak_mib()
    yield Row(f"{case.name}: compiling vs {bar:g} s of processor", seconds, bar, "s", 1)
    if bar == BOMB_SECONDS:
        yield Row(f"{case.name}: memory of the helper vs bar", mib, MEMORY_MIB, "MiB", 1)
        yield Row(
            f"{case.name}: calls that ended while compiling, of all", meanwhile, calls, "calls"
        )


def helpers() -> list[Path]:
    """Folders in /proc of the processes that compile for us."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = re.search(r"^PPid:\s+(\d+)", (path / "status").read_text(), re.MULTILINE)
            if (
                parent
                and int(parent[1]) == os.getpid()
                and b"kernels.worker" in (path / "cmdline").read_bytes()
            ):
                found.append(path)
        except OSError:
            continue
    return found


def helper_seconds() -> float:
    """Processor time of helpers, those that ended included."""
    ended = os.times()
    total = ended.children_user + ended.children_system
    for path in helpers():
        fields = (path / "stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def helper_peak_mib() -> float:
    """Most memory that a helper which lives has held."""
    sizes = [
        re.search(r"^VmHWM:\s+(\d+)", (path / "status").read_text(), re.MULTILINE)
        for path in helpers()
    ]
    return max((int(size[1]) / 1024 for size in sizes if size), default=0.0)


if __name__ == "__main__":
    main(__doc__, contests)
