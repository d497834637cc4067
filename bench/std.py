"""The standard libraries: native code against Python's own and against the interpreter.

Each library is a program in the language, compiled and metered like any other; Python's own is
mostly C. Processor's time.
"""

from collections.abc import Callable, Iterator

from harness import Contest, main
from libraries import containers, numbers, texts

PARTS: tuple[Callable[[bool], Iterator[Contest]], ...] = (
    numbers.contests,
    texts.contests,
    containers.contests,
)
"""What is compared, one file of ``bench/libraries`` each."""


def contests(quick: bool) -> Iterator[Contest]:
    """The contests of every part."""
    for part in PARTS:
        yield from part(quick)


if __name__ == "__main__":
    main(__doc__, contests)
