"""Difficulty of blocks that were found by work.

Sources: yellow paper, section 4.3.4; EIP-2, 100, 649, 1234, 2384, 3554.
"""

from typing import Final

from numen.evm.forks import BERLIN, BYZANTIUM, CONSTANTINOPLE, HOMESTEAD, LONDON, Fork

_MIN: Final = 131_072
"""Least difficulty of a block."""

_STEP_DIVISOR: Final = 2_048
"""A step is this part of the parent's difficulty."""

_STEPS_DOWN_MAX: Final = 99
_BOMB_PERIOD: Final = 100_000
"""Blocks in which the bomb doubles."""

_PERIODS_MAX: Final = 256
"""The bomb is bigger than a word after so many periods; bigger ones are not computed."""

_BOMB_DELAYS: Final = (
    (LONDON, 9_700_000),
    (BERLIN, 9_000_000),
    (CONSTANTINOPLE, 5_000_000),
    (BYZANTIUM, 3_000_000),
)
"""Blocks by which the bomb was put off, for a fork and those after it, newest first."""


def next_difficulty(
    fork: Fork, number: int, seconds: int, difficulty: int, *, has_ommers: bool
) -> int:
    """Difficulty of a block.

    Args:
        fork: The block's.
        number: The block's, at least 1.
        seconds: From the parent's timestamp to the block's, at least 1.
        difficulty: The parent's.
        has_ommers: Whether the parent has any.
    """
    found = difficulty + difficulty // _STEP_DIVISOR * _steps(fork, seconds, has_ommers=has_ommers)
    delay = next((blocks for since, blocks in _BOMB_DELAYS if fork.number >= since.number), 0)
    periods = (number - delay) // _BOMB_PERIOD - 2
    if periods >= 0:
        found += 1 << min(periods, _PERIODS_MAX)
    return max(found, _MIN)


def _steps(fork: Fork, seconds: int, *, has_ommers: bool) -> int:
    if fork.number < HOMESTEAD.number:
        return 1 if seconds < 13 else -1
    if fork.number < BYZANTIUM.number:
        return max(1 - seconds // 10, -_STEPS_DOWN_MAX)
    return max((2 if has_ommers else 1) - seconds // 9, -_STEPS_DOWN_MAX)
