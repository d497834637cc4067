"""What carries out an opcode."""

from collections.abc import Callable
from typing import TypeAlias

from numen.evm.reference.frame import Frame

Handler: TypeAlias = Callable[[Frame], Frame | None]
"""Carries out one opcode whose base price is paid and whose operands are there.

It gives the frame of a call that is to run before the next instruction, or None.
"""
