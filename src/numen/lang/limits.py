"""Every limit of the compiler: what a source may cost before anything of it runs."""

from typing import Final

SOURCE_BYTES_MAX: Final = 1 << 20
"""Longest source of one file, in UTF-8."""

LINE_LENGTH_MAX: Final = 1 << 16
"""Longest line, in characters."""

NESTING_MAX: Final = 100
"""Deepest nesting of brackets, expressions and statements; a chain of `elif`, or of operators that
stand side by side, counts once."""

CHAIN_MAX: Final = 1000
"""Most operators side by side in one expression."""

NODES_MAX: Final = 400_000
"""Most nodes of the syntax tree of one file."""

NAME_LENGTH_MAX: Final = 80
"""Longest name, in characters."""

CONSTANT_BITS_MAX: Final = 4096
"""Widest number that constant expressions may pass through."""

MODULES_MAX: Final = 64
"""Most files of one program."""

VARIABLES_MAX: Final = 256
"""Most variables of one function."""

WAYS_MAX: Final = 4096
"""Most ways that meet at one point: arms of an `if`, or `break` and `continue` of a loop."""

INSTANCES_MAX: Final = 2048
"""Most functions of one program, one for each size a generic function is used with."""

INSTRUCTIONS_MAX: Final = 1_000_000
"""Most instructions written, as the machine allows."""
