"""Every bound of the lifter: any bytes are a contract, and each is done with in bounded time."""

from typing import Final

CODE_BYTES_MAX: Final = 1 << 16
"""Longest code. Deployed code has at most 24,576 bytes (EIP-170), initcode 49,152 (EIP-3860)."""

CONTEXTS_MAX: Final = 25_000
"""Most contexts, blocks told apart by what is on the stack, of one graph."""

STEPS_MAX: Final = 600_000
"""Most work of one exploration: an instruction walked is one, as are 8 slots of a stack copied."""

FUNCTION_STEPS_MAX: Final = 200_000
"""The same, of one function that is lifted. Recursion is unrolled up to this, and refused then."""

RETURNS_MAX: Final = 3
"""Most return addresses on the stack by which contexts of one block are told apart."""

TARGETS_MAX: Final = 48
"""Most targets of one jump, and return addresses that one stack slot may hold."""

REGISTERS_MAX: Final = 60_000
"""Most registers of a function as it is first written; most of them fall away."""

CELL_BYTES_MAX: Final = 1 << 14
"""Memory that a lifted function may reach at constant offsets, in bytes."""

MEMORY_BYTES_MAX: Final = 1 << 20
"""Largest byte memory of a lifted function."""

MEMORY_BYTES_DEFAULT: Final = 4096
"""Byte memory of a lifted function that computes offsets, unless the caller says otherwise."""

HASH_BYTES_MAX: Final = 2048
"""Longest message that a lifted function hashes, in bytes."""

HASH_LENGTHS_MAX: Final = 64
"""Most different lengths of such messages in one function: each is a function of its own."""

WORDS_MAX: Final = 1024
"""Most words of a function's parameters, and of its result."""

SIGNATURE_LENGTH_MAX: Final = 1000
"""Longest signature, in characters."""
