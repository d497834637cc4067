"""Listings of compiled code."""

from numen.evm.forks import fork
from numen.evm.tier.listing import listing
from tests.evm.tier.assembly import assemble

LOOP = assemble("0 loop: 1 ADD DUP1 1000 GT @loop JUMPI 0 SSTORE 0xFE STOP")


def test_a_listing_tells_which_bytecode_became_what():
    llvm, asm = listing(LOOP, fork("cancun"))

    assert "define preserve_nonecc void @region.0(" in llvm or "define tailcc" in llvm
    for text, mark in ((llvm, ";"), (asm, "#")):
        assert f"{mark} 0x0002 JUMPDEST" in text
        assert f"{mark} 0x0003 PUSH1 0x1" in text
        assert f"{mark} 0x0014 STOP, by the interpreter" in text


def test_blocks_that_follow_each_other_are_listed_together():
    llvm, _ = listing(assemble("@a JUMP b: STOP a: 7 POP PUSH0 @b JUMP"), fork("london"))

    assert "; 0x0000 PUSH2 0x6\n; 0x0003 JUMP\n; 0x0006 JUMPDEST\n; 0x0007 PUSH1 0x7" in llvm
    assert "; 0x000a PUSH0, by the interpreter" in llvm
