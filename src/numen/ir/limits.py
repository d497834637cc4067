"""Every limit of the register machine, in one place.

They bound what a program can cost before it runs: to decode, to check, to optimise, to compile and
to hold in memory. A program outside them is refused, never cut.
"""

from typing import Final

CODE_BYTES_MAX: Final = 1 << 24
"""Longest bytecode, both sections together."""

FUNCTIONS_MAX: Final = 4096
"""Most functions of a program."""

BLOCKS_MAX: Final = 65_536
"""Most blocks of a function."""

INSTRUCTIONS_MAX: Final = 1_000_000
"""Most instructions of a program, terminators included."""

PARAMS_MAX: Final = 65_536
"""Most parameters of a block, and results of a function."""

REGISTERS_MAX: Final = 4_000_000
"""Most registers of a program: a call of one byte may write as many as its callee has results."""

CALL_DEPTH_MAX: Final = 64
"""Most functions on one path through the call graph, the entry included."""

STORAGE_BYTES_MAX: Final = 256 << 20
"""Most bytes of arrays and memories that the frames of any call path hold together, and those of
the inputs and the result."""

VALUES_MAX: Final = 1 << 25
"""Most values, words and those that contain them, in a parameter or result of a program."""

SHAPES_MAX: Final = 4 * 4096
"""Most shapes, leaves and those that contain them, of an interface."""

NAME_BYTES_MAX: Final = 255
"""Longest name in the bytecode, in UTF-8."""

LEAVES_MAX: Final = 4096
"""Most leaves of an interface, inputs and result together."""

MESSAGE_LENGTH_MAX: Final = 1000
"""Longest message of a requirement or stop, in characters."""

TEXT_BYTES_MAX: Final = 4 * MESSAGE_LENGTH_MAX
"""Longest message or file name in the bytecode, in UTF-8."""

WORK_MAX: Final = (1 << 64) - 1
"""Largest work limit of a run, in work units; a charge that would pass it saturates."""

DATA_MAX: Final = 1 << 20
"""Most words that one array may be filled with."""
