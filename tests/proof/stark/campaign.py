"""Many changed proofs, counted.

    python -m tests.proof.stark.campaign --count 10000 --seed 1

Each must be refused with an error of ours; one that is not, or any other exception, ends the
campaign with the kind and the seed that repeat it. Run from the root of the repository.
"""

import argparse
import random
import sys
import time
from collections import Counter

from numen.proof.stark.errors import StarkError
from numen.proof.stark.verifier import verify
from tests.proof.stark.lies import LIES
from tests.proof.stark.toys import TINIES, fibonacci, memory, proven


def run(count: int, seed: int, toys: tuple) -> Counter[str]:
    """Change proofs, and count what the verifier says by kind of change and of error.

    Raises:
        AssertionError: A changed proof was accepted.
    """
    subjects = []
    for toy in toys:
        for profile in TINIES:
            told, data = proven(toy, profile)
            subjects.append((told, data, *verify(told, data)))
    said: Counter[str] = Counter()
    for number in range(seed, seed + count):
        rng = random.Random(number)
        told, data, layout, proof = rng.choice(subjects)
        lie = rng.choice(LIES)
        changed = lie(rng, data, layout, proof)
        if changed == data:
            said[f"{lie.__name__}: the same bytes"] += 1
            continue
        try:
            verify(told, changed)
        except StarkError as error:
            said[f"{lie.__name__}: {type(error).__name__}"] += 1
        else:
            raise AssertionError(f"{lie.__name__} with seed {number} is accepted")
    return said


def main() -> None:
    """Run a campaign from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    start = time.perf_counter()
    said = run(options.count, options.seed, (fibonacci(16), fibonacci(64), memory()))
    minutes = (time.perf_counter() - start) / 60
    lines = [f"{times:8} {what}\n" for what, times in sorted(said.items())]
    rate = f"{options.count / minutes:.0f} a minute"
    sys.stdout.writelines([*lines, f"{options.count} proofs, none accepted, {rate}\n"])


if __name__ == "__main__":
    main()
