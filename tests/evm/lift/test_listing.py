"""Listings show registers and every effect with its offset."""

from pathlib import Path

from numen.evm.forks import fork
from numen.evm.lift.graph import contract_graph
from numen.evm.lift.instructions import disassemble
from numen.evm.lift.listing import print_registers
from numen.evm.lift.reading import read_bytecode
from tests.evm.tier.assembly import assemble

PRAGUE = fork("prague")
CONTRACTS = Path(__file__).parent / "contracts"


def listed(text: str) -> str:
    return print_registers(contract_graph(disassemble(assemble(text), PRAGUE)))


def test_a_loop_over_storage():
    code = "0 CALLDATALOAD again: DUP1 SLOAD CALLER SSTORE 1 SWAP1 SUB DUP1 @again JUMPI"

    assert (
        listed(code)
        == """\
# 17 bytes, 3 blocks in 3 contexts, every jump resolved

at0000:                                          2 instructions, 6 gas
  0002  r1 = CALLDATALOAD 0x0
        jump at0003(r1)

at0003(s0.1):                                    11 instructions, 131 gas
  0005  r2 = SLOAD s0.1
  0006  r3 = CALLER
  0007  SSTORE r3, r2
  000b  r4 = SUB s0.1, 0x1
  0010  branch r4, at0003(r4), at0011

at0011:                                          1 instruction, 0 gas
  0011  STOP

"""
    )


def test_what_is_computed_before_the_run_is_a_constant():
    assert "SSTORE 0x7, 0x2a" in listed("6 7 MUL 3 4 ADD SSTORE STOP")


def test_ways_that_are_not_known_or_fail_are_said():
    assert "jump r1  # target not known" in listed("0 CALLDATALOAD JUMP")
    assert "jump 0x9  # no JUMPDEST" in listed("9 JUMP")
    assert "branch r1, 0x9  # no JUMPDEST, at0006" in listed("0 CALLDATALOAD 9 JUMPI")
    assert "ADD  # stack underflow" in listed("ADD")


def test_every_effect_of_a_contract_stands_in_its_listing():
    code = read_bytecode((CONTRACTS / "pure.solc-0.8.30.hex").read_bytes())
    graph = contract_graph(disassemble(code, PRAGUE))
    found = print_registers(graph)

    for context in graph.contexts:
        for instr in context.block.body:
            if instr.name in ("SLOAD", "KECCAK256", "MSTORE", "REVERT", "RETURN", "CALLVALUE"):
                assert f"  {instr.offset:04x}  " in found
    assert found.startswith("# 3,466 bytes, 331 blocks")


def test_a_listing_is_bounded(monkeypatch):
    monkeypatch.setattr("numen.evm.lift.listing.LINES_MAX", 20)
    found = listed(" ".join(f"l{n}: CALLER POP" for n in range(100)) + " STOP")

    assert found.splitlines()[-1] == "# 95 more contexts"
