"""What can come of beginning a frame, for native code."""

from enum import IntEnum


class Outcome(IntEnum):
    """Native code uses the numbers."""

    READY = 0
    """The frame can run."""
    DONE = 1
    """No code to run: a success that leaves all its gas, and no output."""
    FAILED = 2
    """Nothing to run, and a failure, undone: Frame.gas is 0."""
    GIVEN_UP = 3
    """The machine cannot go on."""
    ANSWERED = 4
    """A precompile succeeded: gas left in Frame.gas, output in the return data."""
