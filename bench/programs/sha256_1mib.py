"""SHA-256 of 1 MiB."""

from numen import u8
from numen.std.sha256 import sha256

SIZE = 1_048_576


def main(message: list[u8, SIZE]) -> list[u8, 32]:
    return sha256(message)
