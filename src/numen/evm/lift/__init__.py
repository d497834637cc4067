"""Bytecode to registers: what a contract's stack machine is as a register machine.

`lift_function` makes a program of a pure function of a contract; `graph.contract_graph` finds the
blocks of any contract and the ways between them.
"""

from numen.evm.lift.function import lift_function

__all__ = ["lift_function"]
