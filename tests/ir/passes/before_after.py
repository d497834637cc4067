"""How a pass is tested: a text, what the pass makes of it, and that it makes no more of that."""

from collections.abc import Callable

from numen.ir.nodes import Function
from numen.ir.parse import parse_function
from numen.ir.text import print_function

UNCHANGED = None
"""In the place of the text after: the pass has nothing to do."""


def check(run: Callable[[Function], Function], before: str, after: str | None) -> None:
    """Run a pass on a text and compare; run it again and find nothing changed."""
    fn = parse_function(before)

    once = run(fn)

    expected = parse_function(before if after is None else after)
    assert print_function(once) == print_function(expected)
    assert run(once) == once
