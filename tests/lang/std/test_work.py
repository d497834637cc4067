"""The page of the standard library says what a call costs: what the compiler shows, or measured."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from numen.ir import interp
from numen.ir.host import Journal
from numen.ir.interface import flatten
from numen.ir.passes.bound import work_bound
from numen.ir.passes.meter import meter
from numen.ir.pipeline import optimise
from numen.lang.compile import compile_source
from tests.markdown import ROOT

PAGE = (ROOT / "docs/reference/std.md").read_text()
ROW = re.compile(r"^\| (○ )?`(\w+)\((.*?)\) -> (.+?)` \| .* \| ([\d,]+) \|$", re.MULTILINE)
SECTION = re.compile(r"^## [^\n]*?`numen\.std\.(\w+)`\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)

NAME = re.compile(r"(\w+): ")
SIZE = re.compile(r"\b[A-Z]\b")
SIZES = {"N": "64", "A": "64", "B": "16", "P": "16", "Q": "16", "S": "16", "M": "4"}
"""Room of the texts of the page, and the length of its list."""

FIBONACCI = (12200160415121876738, 7540113804746346429)
"""Of all pairs below 2**64, the one for which Euclid's algorithm takes the most steps."""

SIGN, ONE = 1 << 63, 0x3FF << 52
"""Of floats: the sign, and the bits of 1.0."""

RARE = "\U0001f600" * 16
"""64 bytes of UTF-8, none of which is a character alone."""

WORST: dict[str, list[tuple[Any, ...]]] = {
    "math.gcd": [FIBONACCI, FIBONACCI[::-1]],
    "math.log2": [(2**k,) for k in range(64)],
    "math.log2_256": [(2**k,) for k in range(256)],
    "math.isqrt": [(2**64 - 1,), (2**32 - 1,), (2,)],
    "math.isqrt128": [(2**128 - 1,), (2**64,), (2,)],
    "math.isqrt256": [(2**256 - 1,), (2**128,), (2,)],
    "math.root": [(2**128 - 1, n) for n in (1, 2, 3, 5, 63, 127, 128)],
    "math.power_mod": [(3, 2**64 - 1, 2**64 - 1)],
    "math.power_mod256": [(3, 2**256 - 1, 2**256 - 1)],
    "floats.add": [(ONE + 123, SIGN | (ONE + 1)), (SIGN | (ONE + 2**40), ONE + 7 * 2**50)],
    "floats.sub": [(ONE + 123, ONE + 1), (ONE + 2**40, ONE + 7 * 2**50)],
    "floats.mul": [(ONE + 3, 12345), (12345, 254283863446233)],
    "floats.div": [(2915985935, 13832806255468478464), (12345, ONE)],
    "floats.fma": [(ONE + 3, 12345, SIGN), (13835114463014386176, 63070354573635, SIGN)],
    "floats.sqrt": [(2**52 - 1,), (1,), (ONE + 1,)],
    "floats.remainder": [(SIGN | (ONE + 2**60), 10892275), (ONE, ONE + 1)],
    "floats.fmod": [(4614256656552045848, 1045378220093727), (ONE + 1, ONE)],
    "floats.minimum": [(ONE, SIGN), (SIGN, ONE), (ONE, ONE)],
    "floats.maximum": [(ONE, SIGN), (SIGN, ONE), (ONE, ONE)],
    "floats.equal": [(ONE, ONE), (0, SIGN), (ONE, SIGN)],
    "floats.less": [(SIGN | ONE, SIGN | 5), (ONE, ONE)],
    "floats.less_equal": [(SIGN | ONE, SIGN | 5), (ONE, ONE)],
    "floats.neg": [(ONE,)],
    "floats.absolute": [(ONE,)],
    "floats.copysign": [(ONE, SIGN)],
    "floats.is_nan": [(ONE,)],
    "floats.is_infinite": [(ONE,)],
    "floats.from_u64": [(1,), (2**62 + 2**9,), (2**64 - 1,)],
    "floats.from_i64": [(-1,), (-(2**62) - 2**9,), (-(2**63),)],
    "floats.from_u128": [(1,), (2**128 - 1,), (2**65 + 1,)],
    "floats.ratio": [(1, 2**128 - 1), (2**64 - 1, 2**127 + 2**63 + 1), (2**100, 3)],
    "floats.from_decimal": [(-(2**127), -34), (2**127 - 1, 38), (1 - 2**127, -37)],
    "floats.to_u64": [(ONE + 2**51, mode) for mode in range(7)],
    "floats.to_i64": [(SIGN | (ONE + 2**51), mode) for mode in range(7)],
    "floats.to_integral": [(SIGN | (ONE + 2**51), mode) for mode in range(7)],
    "rounding.quotient": [(2**256 - 1, 2**200 + 1, True, mode) for mode in range(7)],
    "decimals.mul": [(2**127 - 1, 10**18 + 1, mode) for mode in range(7)],
    "decimals.div": [(7982455187, 9076515404457454766, mode) for mode in range(7)],
    "decimals.mul_div": [(2**127, 2**127 - 1, 2**127 + 3, mode) for mode in range(7)],
    "decimals.mul_signed": [(-(2**120), 10**18 + 1, mode) for mode in range(7)],
    "decimals.div_signed": [(-(2**126), 2**126 - 1, mode) for mode in range(7)],
    "decimals.sqrt": [(2**128 - 1,), (1,), (10**18 + 3,)],
    "decimals.to_places": [(2**126 + 1, places, 4) for places in range(18)],
    "decimals.to_places_signed": [(-(2**126), places, 4) for places in range(18)],
    "decimals.to_float": [(-(2**127),), (2**127 - 1,), (-1,)],
    "decimals.from_float": [(SIGN | (ONE + 1), mode) for mode in range(7)],
    "exponential.exp": [(-(10**18),), (47 * 10**18,), (-5,)],
    "exponential.exp2": [(-(10**18) - 1,), (68 * 10**18 + 1,), (-5,)],
    "exponential.ln": [(1,), (2**128 - 1,), (53837790770063790,)],
    "exponential.log2": [(1,), (2**128 - 1,), (936753407413505469,)],
    "exponential.power": [(5 * 10**17 + 1, -(10**18) - 1), (2 * 10**18 - 1, 10**18 + 1)],
    "signatures.keccak": [("0x" + "ff" * 64,)],
    "signatures.keccak_words": [([2**256 - 1] * 4, 128)],
    "signatures.word_at": [("0x" + "ff" * 64, 1)],
    "signatures.signer": [(2**256 - 1, "0x" + "11" * 64 + "1b"), (1, "0x")],
    "text.decode": [("0x" + RARE.encode().hex(),)],
    "text.encode": [(RARE,)],
    "text.length": [(RARE,)],
    "text.size": [(RARE,)],
    "text.concat": [(RARE, RARE[:4])],
    "text.slice": [(RARE, -1, -1), (RARE, -16, 15)],
    "text.starts_with": [(RARE, RARE[:4])],
    "text.ends_with": [(RARE, RARE[:4])],
    "text.contains": [("a" * 64, "aaaaaaabaaaaaaaa"), (RARE, RARE[:3])],
    "text.find": [("a" * 64, "aaaaaaabaaaaaaaa"), (RARE, RARE[:3])],
    "text.count": [("a" * 64, "a")],
    "text.compare": [(RARE, RARE[:4])],
    "text.replace": [("a" * 64, "a", "b")],
    "text.upper": [(RARE,)],
    "text.lower": [(RARE,)],
    "text.split": [("a" * 10 + "," + "b" * 10 + "," + "c" * 10 + "," + "d" * 10, ",", [""] * 4)],
    "text.partition": [("a" * 62 + "é", "é")],
    "text.join": [(RARE[:4], [RARE[:4]] * 4, 4)],
    "text.parse_u256": [("0" * 10 + "9" * 54,)],
    "text.parse_u128": [("0" * 30 + "9" * 34,)],
    "text.parse_i128": [("-" + "0" * 30 + "9" * 33,)],
    "text.format_u256": [(2**256 - 1,)],
    "text.format_u128": [(2**128 - 1,)],
    "text.format_i128": [(-(2**127),)],
    "text.parse_hex": [("0x" + "f" * 62,)],
    "text.format_hex": [(2**256 - 1,)],
}
"""Arguments for which a function takes as long as for any."""


def rows() -> dict[str, tuple[bool, str, str, int]]:
    """Of each function of the page: whether it has a circle, its parameters, result and work."""
    return {
        f"{module}.{name}": (bool(circle), params, result, int(work.replace(",", "")))
        for module, text in SECTION.findall(PAGE)
        for circle, name, params, result, work in ROW.findall(text)
    }


def test_the_page_has_the_functions_whose_worst_arguments_are_known():
    assert set(rows()) == set(WORST)


@pytest.mark.parametrize("function", WORST)
def test_no_call_takes_more_work_than_the_page_says(function):
    module, name = function.split(".")
    has_circle, params, result, promised = rows()[function]
    params, result = (SIZE.sub(lambda found: SIZES[found[0]], part) for part in (params, result))
    names = ", ".join(NAME.findall(params))
    source = (
        f"from numen.std.{module} import {name}\n"
        f"def main({params}) -> {result}:\n    return {name}({names})\n"
    )
    program = meter(optimise(compile_source(source)))
    works = []
    for args in WORST[function]:
        parts: list[int | list[int]] = []
        for wanted, arg in zip(program.interface.inputs, args, strict=True):
            parts += flatten(wanted.shape, arg)
        works.append(interp.run(program, parts, work_limit=10**7, host=HOST).work)

    bound = work_bound(program.functions, program.entry, {}, Nothing())
    assert (bound is not None) == has_circle
    worst = max(works)
    assert worst <= (bound or worst) <= promised < 1.2 * (bound or worst) + 10


class Nothing:
    """A program that is no contract has no records, and no slots."""

    def load(self, key: int) -> int:
        raise AssertionError

    def record(self, kind: int, length: int, words: Mapping[int, int]) -> int | None:
        raise AssertionError


HOST = Journal(Nothing())
"""What `signer` asks."""
