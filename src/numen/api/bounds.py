"""What a program may take where nothing in it says so: given by options, and kept with keys.

Keys are of one circuit, and bounds decide what it is. Who proves with keys need not say the bounds
again, and is told where he says others.
"""

from pathlib import Path
from typing import Annotated, Final

import msgspec

from numen.api.errors import KeysError
from numen.proof.files import read_file, write_file

BOUNDS_FILE: Final = "bounds.json"

_FILE_BYTES_MAX: Final = 1 << 16

_Count = Annotated[int, msgspec.Meta(ge=1, le=1 << 32)]
_Index = Annotated[int, msgspec.Meta(ge=0, le=1 << 16)]


class Bounds(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a program may take where nothing in it says so.

    Attributes:
        fork: Of a contract: whose opcodes it has.
        loop: Most rounds of a loop that the inputs end, in a proof; None refuses to prove such
            loops, but where there are arrays: then it is their bound.
        array: Of a contract: most elements of an array without a length, and bytes of ``bytes`` and
            ``string``; None refuses them.
        memory_bytes: Of a contract: memory that it reaches at computed offsets; None is 4,096.
        private: Of a contract: the parameters that proofs hide, counted from 0.
    """

    fork: str = "prague"
    loop: _Count | None = None
    array: _Count | None = None
    memory_bytes: _Count | None = None
    private: tuple[_Index, ...] = ()

    @property
    def rounds(self) -> int | None:
        """Most rounds of a loop."""
        return self.array if self.loop is None else self.loop

    def save(self, folder: Path) -> None:
        """Write them into a folder of keys; where they say nothing, no file says the same."""
        path = folder / BOUNDS_FILE
        if self == Bounds():
            path.unlink(missing_ok=True)
        else:
            write_file(path, msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")

    @staticmethod
    def load(folder: Path) -> "Bounds":
        """Read what `save` wrote.

        Raises:
            NumenError: The file cannot be read, or says something else.
        """
        path = folder / BOUNDS_FILE
        if not path.exists():
            return Bounds()
        data = read_file(path, size_max=_FILE_BYTES_MAX)
        try:
            return msgspec.json.decode(data, type=Bounds)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise KeysError(f"{path}: {error}") from error
