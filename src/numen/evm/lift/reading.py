"""Bytecode as people keep it in files: raw bytes, or hexadecimal."""

from typing import Final

from numen.evm.lift.errors import BytecodeError
from numen.evm.lift.limits import CODE_BYTES_MAX

FILE_BYTES_MAX: Final = 4 * CODE_BYTES_MAX
"""Longest file of bytecode: in hexadecimal, with line ends."""

_TEXT: Final = frozenset(b"\t\n\r" + bytes(range(0x20, 0x7F)))


def read_bytecode(data: bytes) -> bytes:
    """Take bytecode out of a file.

    Printable text is hexadecimal, with or without ``0x``, spaces and line ends allowed; anything
    else is the code itself.

    Raises:
        BytecodeError: It is empty, text that is not hexadecimal, or longer than
            `limits.CODE_BYTES_MAX`.
    """
    if not data.strip():
        raise BytecodeError("no bytecode: it is empty")
    code = _from_text(data.decode()) if _TEXT.issuperset(data) else data
    if len(code) > CODE_BYTES_MAX:
        raise BytecodeError(f"{len(code)} bytes of code; at most {CODE_BYTES_MAX} are read")
    return code


def _from_text(text: str) -> bytes:
    digits = "".join(text.split()).removeprefix("0x")
    for index, digit in enumerate(digits):
        if digit not in "0123456789abcdefABCDEF":
            hint = "; link the libraries first" if digit in "_$" else ""
            raise BytecodeError(
                f"not bytecode: {digit!r} at digit {index + 1} is not hexadecimal{hint}"
            )
    if len(digits) % 2:
        raise BytecodeError(f"not bytecode: {len(digits)} digits, an odd number")
    return bytes.fromhex(digits)
