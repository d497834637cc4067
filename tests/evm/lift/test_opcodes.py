"""Every pure opcode, lifted, computes what the reference does; so do programs made by chance."""

from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from numen.evm.lift.errors import DynamicMemoryError, LiftError
from numen.evm.meaning import PURE
from numen.evm.opcodes import OPCODES
from numen.ir import interp
from tests.evm.lift.agreeing import EDGES, Lifted, word
from tests.evm.tier.assembly import assemble

PRAGUE = [byte for byte in PURE if OPCODES[byte].name != "CLZ"]
RETURNS = " 0 MSTORE 32 0 RETURN"
ARGUMENTS = ("4 CALLDATALOAD", "36 CALLDATALOAD", "68 CALLDATALOAD")


def applied(byte: int, operands: list[str]) -> bytes:
    """An opcode on operands given in the order popped."""
    return assemble(" ".join([*reversed(operands), OPCODES[byte].name]) + RETURNS)


@pytest.mark.parametrize("byte", PRAGUE, ids=lambda byte: OPCODES[byte].name)
def test_an_opcode_of_arguments(byte):
    pops, chance = OPCODES[byte].pops, Random(byte)
    signature = f"f({','.join(['uint256'] * pops)})"
    function = Lifted(applied(byte, list(ARGUMENTS[:pops])), signature)

    for _ in range(60):
        assert function.check([word(chance) for _ in range(pops)])


@pytest.mark.parametrize("byte", PRAGUE, ids=lambda byte: OPCODES[byte].name)
def test_an_opcode_of_an_argument_and_a_constant(byte):
    pops, chance = OPCODES[byte].pops, Random(byte)
    for place in range(pops):
        for constant in (0, 1, 2, 255, 256, 2**255, 2**256 - 1, chance.choice(EDGES)):
            operands = [*ARGUMENTS[:pops]]
            operands[place] = str(constant)
            signature = f"f({','.join(['uint256'] * pops)})"
            function = Lifted(applied(byte, operands), signature)
            for _ in range(3):
                assert function.check([word(chance) for _ in range(pops)])


def test_leading_zeros_of_the_fork_that_counts_them():
    function = Lifted(applied(0x1E, [ARGUMENTS[0]]), "f(uint256)", fork="osaka")

    for value in EDGES:
        assert function.run([value], interp.run).results == (256 - value.bit_length(),)


def test_calldata_past_the_end_are_zeros_however_far():
    code = assemble("96 4 CALLDATALOAD 0 CALLDATACOPY 96 0 RETURN")
    function = Lifted(code, "f(uint256,uint256)")

    for offset in (0, 1, 4, 36, 60, 67, 68, 69, 2**64, 2**256 - 1, 2**256 - 16, 2**256 - 64):
        assert function.check([offset, 2**256 - 3])


def test_a_store_whose_place_is_known_too_late_is_refused():
    # Where the two ways meet the pointer is not known, but the same on both sides of the
    # subtraction; so the second walk alone sees that the store is to 32.
    code = assemble(
        "1 64 MSTORE 4 CALLDATALOAD @a JUMPI 160 @b JUMP a: 224 b: "
        "7 DUP2 MSTORE DUP1 DUP1 32 ADD SUB 9 SWAP1 MSTORE 36 CALLDATALOAD @c JUMPI "
        "c: 32 MLOAD 0 MSTORE 32 0 RETURN"
    )

    with pytest.raises(DynamicMemoryError, match="known too late"):
        Lifted(code, "f(uint256,uint256)")


class Writer:
    """Writes programs that compute, keep words in memory, turn in loops and skip."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.labels = 0

    def program(self) -> str:
        body = " ".join(self.piece(0) for _ in range(self.chance.randint(1, 8)))
        # The stack and the memory show what happened.
        shown = " ".join(f"{32 * index} MSTORE" for index in range(4))
        return f"{' '.join(ARGUMENTS)} 7 9 {body} {shown} 256 0 RETURN"

    def piece(self, depth: int) -> str:
        """Code that leaves the stack as high as it was, at least five words."""
        chance = self.chance
        match chance.randrange(9 if depth < 2 else 7):
            case 0 | 1:
                opcode = OPCODES[chance.choice(PRAGUE)]
                operands = " ".join(self.operand() for _ in range(opcode.pops))
                return f"{operands} {opcode.name} SWAP{chance.randint(1, 4)} POP"
            case 2:
                return f"SWAP{chance.randint(1, 4)}"
            case 3:
                return f"{self.operand()} {self.offset()} {chance.choice(['MSTORE', 'MSTORE8'])}"
            case 4:
                return f"{self.offset()} MLOAD SWAP{chance.randint(1, 4)} POP"
            case 5:
                at = chance.choice([str(chance.randrange(120)), f"DUP{chance.randint(1, 5)}"])
                return f"{at} CALLDATALOAD SWAP{chance.randint(1, 4)} POP"
            case 6:
                length, source = chance.randrange(70), chance.randrange(150)
                copy = chance.choice(["CALLDATACOPY", "CODECOPY", "MCOPY"])
                return f"{length} {source} {chance.randrange(200)} {copy}"
            case 7:
                return self.skip(depth)
            case _:
                return self.loop(depth)

    def operand(self) -> str:
        if self.chance.random() < 0.4:
            return str(word(self.chance))
        return f"DUP{self.chance.randint(1, 5)}"

    def offset(self) -> str:
        if self.chance.random() < 0.2:
            return f"0x7f DUP{self.chance.randint(2, 5)} AND 64 ADD"
        return str(self.chance.randrange(200))

    def label(self) -> str:
        self.labels += 1
        return f"l{self.labels}"

    def skip(self, depth: int) -> str:
        label = self.label()
        inner = " ".join(self.piece(depth + 1) for _ in range(self.chance.randint(1, 3)))
        return f"DUP{self.chance.randint(1, 5)} @{label} JUMPI {inner} {label}:"

    def loop(self, depth: int) -> str:
        label, count = self.label(), self.chance.randint(1, 5)
        inner = " ".join(self.piece(depth + 1) for _ in range(self.chance.randint(1, 3)))
        # The counter is out of the way of everything else.
        at = 0x300 + 32 * depth
        return (
            f"{count} {at} MSTORE {label}: {inner} 1 {at} MLOAD SUB DUP1 {at} MSTORE @{label} JUMPI"
        )


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32))
@example(seed=1)
def test_a_program_made_by_chance_agrees_or_is_refused(seed):
    writer = Writer(seed)
    code = assemble(writer.program())
    try:
        function = Lifted(code, "f(uint256,uint256,uint256)")
    except LiftError:
        return
    for _ in range(4):
        function.check([word(writer.chance) for _ in range(3)])


def test_most_programs_made_by_chance_are_lifted():
    lifted = 0
    for seed in range(30):
        try:
            Lifted(assemble(Writer(seed).program()), "f(uint256,uint256,uint256)")
        except LiftError:
            continue
        lifted += 1

    assert lifted >= 20
