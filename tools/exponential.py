"""Write src/numen/lang/std/exponential.numen: its constants, from Python's decimal.

python tools/exponential.py > src/numen/lang/std/exponential.numen
"""

from collections.abc import Iterable
from decimal import Context, Decimal, localcontext
from pathlib import Path

HERE = Path(__file__).resolve().parent
DIGITS = 120
"""Of the numbers that the constants are rounded from; the longest has 77."""

EXPONENTIAL_TERMS = 22
"""(ln(2) / 16)**22 / 22! is below 2**-169."""

ARTANH_TERMS = 19
"""(1 / 65)**41 / 41 is below 2**-250."""


def binary(x: Decimal, bits: int) -> str:
    """The integer nearest to ``x * 2**bits``."""
    return hex(round(x * 2**bits))


def horner(coefficients: Iterable[Decimal], variable: str) -> str:
    """Statements that sum up a series, the last coefficient first, with 256 bits of fraction."""
    first, *others = [binary(coefficient, 256) for coefficient in coefficients][::-1]
    lines = [f"    sum: u256 = {first}"]
    lines += [f"    sum = {other} + mul_high(sum, {variable})" for other in others]
    return "\n".join(lines)


def render() -> str:
    """The text of the module."""
    with localcontext(Context(prec=DIGITS)):
        one, two = Decimal(10**18), Decimal(2)
        ln_2 = two.ln()
        exponential, term = [], Decimal(1)
        for n in range(1, EXPONENTIAL_TERMS + 1):
            term = term * ln_2 / n
            exponential.append(term)
        artanh = [1 / Decimal(2 * k + 1) for k in range(1, ARTANH_TERMS + 1)]
        powers = [binary(two ** (Decimal(j) / 16), 255) for j in range(16)]
        logarithms = [binary((1 + Decimal(2 * j + 1) / 32).ln() / ln_2, 240) for j in range(16)]
        values = {
            "POWERS": "\n".join(f"    {value}," for value in powers),
            "LOGARITHMS": "\n".join(f"    {value}," for value in logarithms),
            "LOG2_ONE": binary(one.ln() / ln_2, 240),
            "LOG2_E": binary(1 / ln_2 / one, 249),
            "LN_2": binary(ln_2 * one, 196),
            "TWO_OVER_LN_2": binary(2 / ln_2, 254),
            "INVERSE": binary(1 / one, 307),
            "EXPONENTIAL": horner(exponential, "g"),
            "ARTANH": horner(artanh, "square"),
        }
        text = (HERE / "exponential.numen.in").read_text(encoding="utf-8")
        for name, value in values.items():
            text = text.replace(f"@{name}@", value)
        return text


if __name__ == "__main__":
    print(render(), end="")
