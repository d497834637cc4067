"""The SHA-256 digest of 64 bytes."""

from numen import u8
from numen.std.sha256 import sha256


def main(message: list[u8, 64]) -> list[u8, 32]:
    return sha256(message)
