"""Rounding as Python's decimal does it."""

from decimal import Context, Decimal
from typing import Final

MODES: Final = ("HALF_EVEN", "HALF_UP", "HALF_DOWN", "DOWN", "UP", "FLOOR", "CEILING")
"""The modes of ``numen.std.rounding``, in their order; with ``ROUND_`` before, those of decimal."""

EXACT: Final = Context(prec=1200)
"""More digits than any product, sum or float here has."""

STICKY: Final = Context(prec=400, rounding="ROUND_05UP")
"""For quotients: rounded to many digits in this way, they can be rounded again to fewer."""


def rounded(x: Decimal, mode: int) -> int:
    """The integer near a number that is exact, or sticky."""
    return int(x.to_integral_value(rounding=f"ROUND_{MODES[mode]}", context=EXACT))
