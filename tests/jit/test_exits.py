"""Trap codes and what they stand for."""

from hypothesis import given

from numen.ir.nodes import Stop
from numen.ir.ops import Op
from numen.ir.trap import Reason
from numen.jit.exits import code_of, positions, trap_of
from tests.strategies import ir as strategies


@given(module=strategies.modules())
def test_a_code_leads_back_to_its_instruction(module):
    starts = positions(module)
    codes = set()
    for (name, label), start in starts.items():
        block = module.functions[name].blocks[label]
        for index, instr in enumerate(block.body):
            for reason in Reason:
                code = code_of(start + index, reason)
                trap = trap_of(code, module)

                assert (trap.reason, trap.place) == (reason, instr.place)
                assert trap.message == (instr.symbol if instr.op is Op.REQUIRE else "")
                codes.add(code)
        if isinstance(block.end, Stop):
            code = code_of(start + len(block.body), block.end.reason)
            trap = trap_of(code, module)

            assert (trap.reason, trap.message) == (block.end.reason, block.end.message)
            codes.add(code)
    # Zero means that there was no trap.
    assert min(codes, default=1) > 0
