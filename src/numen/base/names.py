"""The names of Numen's language, for editors and type checkers.

A program may say ``from numen import u64, felt, Private``; the compiler knows the names without
it. Seen by Python, a word type is an integer and `Private` is a mark that changes nothing.
"""

from typing import Annotated, TypeAlias, TypeVar

T = TypeVar("T")

u8: TypeAlias = int
u16: TypeAlias = int
u32: TypeAlias = int
u64: TypeAlias = int
u128: TypeAlias = int
u256: TypeAlias = int
i64: TypeAlias = int
i128: TypeAlias = int
i256: TypeAlias = int
felt: TypeAlias = int

Private = Annotated[T, "private"]
"""A parameter that a proof does not show."""
