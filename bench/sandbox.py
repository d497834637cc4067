"""The sandbox: what a job costs there, beside other ways to have it done.

By the clock, because the work is other processes'. The machine makes a difference of some
hundredths between rounds.
"""

import subprocess
import sys
from collections.abc import Iterator

import numen
from harness import Contest, main
from numen.sandbox import jail
from numen.sandbox.probe import probe
from numen.sandbox.runner import Sandbox
from numen.vm import machine

PROGRAM = numen.compile("def main(a, b):\n    return a + b\n").program

ALONE = f"""
from numen.ir.program import load
from numen.vm import machine
print(machine.run(load(bytes.fromhex({PROGRAM.code.hex()!r})), [2, 3], engine={{engine!r}}).value)
"""


def alone(engine: str, *, in_jail: bool) -> int:
    """A process for the job from its start: bare, or in a jail."""
    isolation = probe() if in_jail else None
    bubblewrap = isolation.bubblewrap if isolation else None
    body = f"exec({ALONE.format(engine=engine)!r})"
    with jail.start(
        jail.python(body),
        bubblewrap,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        said, _ = process.communicate()
    return int(said)


def empty(*, in_jail: bool) -> bytes:
    """A process that does nothing."""
    bubblewrap = jail.find_bubblewrap() if in_jail else None
    with jail.start(
        [sys.executable, "-I", "-S", "-c", "pass"],
        bubblewrap,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        return process.communicate()[1]


def contests(_quick: bool) -> Iterator[Contest]:
    """Every side gives the same sum."""
    isolation = probe()
    if not isolation.is_full:
        raise SystemExit(f"no sandbox here: {isolation.lacks}")
    with Sandbox(isolation) as sandbox:
        for engine in ("interp", "jit"):
            rivals = {
                "in this process": lambda e=engine: machine.run(PROGRAM, [2, 3], engine=e).value,
                "a bare process for it": lambda e=engine: alone(e, in_jail=False),
            }
            yield Contest(
                f"a job in the sandbox, {engine}",
                lambda e=engine: sandbox.run(PROGRAM, [2, 3], engine=e).value,
                rivals,
                targets={"a bare process for it": 0.2},
            )
    yield Contest(
        "an empty Python in a jail",
        lambda: empty(in_jail=True),
        {"bare": lambda: empty(in_jail=False)},
    )


if __name__ == "__main__":
    main(__doc__, contests)
