"""Write src/numen/lang/std/sorting.numen: the same functions for every type that has an order.

python tools/sorting.py > src/numen/lang/std/sorting.numen
"""

from pathlib import Path

from numen.ir.types import WORDS, Kind

HERE = Path(__file__).resolve().parent
ORDERED = tuple(name for name, word in WORDS.items() if word.kind in (Kind.UNSIGNED, Kind.SIGNED))
"""The types of the language that are integers."""


def render() -> str:
    """The text of the module."""
    head = (HERE / "sorting.numen.in").read_text(encoding="utf-8")
    one = (HERE / "sorting.numen.word.in").read_text(encoding="utf-8")
    return head.replace("@WORDS@\n", "".join(one.replace("@", name) for name in ORDERED))


if __name__ == "__main__":
    print(render(), end="")
