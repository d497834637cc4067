"""What one node may ask of another in a step; what is beyond that is not looked at."""

from typing import Final

FRAMES_MAX: Final = 64
"""Most messages in a step."""

BYTES_MAX: Final = 2 << 20
"""Most bytes of them: an accusation and the largest news, and some more."""

CHECKS_MAX: Final = 1_024
"""Most sheets and patches, each of which may cost a check of a signature: some 50 ms in all."""

TRIALS_MAX: Final = 1
"""Most accusations, each of which may cost the carrying out of a block."""


class Allowance:
    """What is left for one node in the present step.

    Attributes:
        dropped: Messages that were not looked at.
    """

    def __init__(self) -> None:
        self._left = {"frames": FRAMES_MAX, "bytes": BYTES_MAX, "checks": CHECKS_MAX}
        self._left["trials"] = TRIALS_MAX
        self.dropped = 0

    def admits(self, *, size: int) -> bool:
        """Whether one more message of so many bytes is looked at."""
        return self._takes("frames", 1) and self._takes("bytes", size)

    def admits_checks(self, count: int) -> bool:
        """Whether so many signatures are checked."""
        return self._takes("checks", count)

    def admits_trial(self) -> bool:
        """Whether one more accusation is judged."""
        return self._takes("trials", 1)

    def _takes(self, what: str, count: int) -> bool:
        if self._left[what] < count:
            self.dropped += 1
            return False
        self._left[what] -= count
        return True
