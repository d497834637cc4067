"""A function of a contract, lifted, compared with the contract called."""

from random import Random

from numen.evm.lift import lift_function
from numen.evm.lift.signature import parse_signature
from numen.ir import interp
from numen.ir.interface import ListShape, TupleShape, flatten
from numen.ir.outcome import Outcome
from numen.ir.program import Program, program_from_module
from numen.jit import engine
from tests.evm.lift.called import called, words_of

WORK_MAX = 10**8

EDGES = sorted(
    {0, 1, 2, 3, 5, 7, 9, 10, 31, 32, 255, 256, 998, 999, 1000, 1001}
    | {(1 << bits) + delta for bits in (8, 63, 64, 127, 128, 255) for delta in (-1, 0, 1)}
    | {2**256 - 1, 2**256 - 2, 2**256 - 7, 2**256 - 128, 2**256 - 129}
)
"""Words where contracts change their minds."""


def word(chance: Random) -> int:
    match chance.randrange(4):
        case 0:
            return chance.choice(EDGES)
        case 1:
            return chance.randrange(20)
        case 2:
            return chance.getrandbits(chance.randrange(1, 257))
        case _:
            return chance.getrandbits(256)


class Lifted:
    """A function of a contract in both forms."""

    def __init__(self, code: bytes, signature: str, **options) -> None:
        self.code = code
        self.signature = parse_signature(signature)
        self.module = lift_function(code, signature, **options)
        self.program: Program = program_from_module(self.module)

    def check(self, words: list[int], *, jit: bool = False) -> bool:
        """Compare one call; say whether it succeeded."""
        calldata = self.signature.selector.to_bytes(4, "big")
        calldata += b"".join(value.to_bytes(32, "big") for value in words)
        want = called(self.code, calldata)
        found = [self.run(words, interp.run)]
        if jit:
            found.append(self.run(words, engine.run))
        for outcome in found:
            assert (outcome.trap is None) == want.success, (words, outcome, want)
            if want.success:
                assert outcome.results == words_of(want.output), words
        return want.success

    def run(self, words: list[int], run) -> Outcome:
        left = iter(words)
        args = [
            part
            for field in self.signature.inputs
            for part in flatten(field.shape, _fill(field.shape, left), field.name)
        ]
        program = self.program.metered if run is interp.run else self.program
        return run(program, args, work_limit=WORK_MAX)


def _fill(shape, words):
    match shape:
        case ListShape(element, length):
            return [_fill(element, words) for _ in range(length)]
        case TupleShape(items):
            return [_fill(item, words) for item in items]
        case _:
            return next(words)
