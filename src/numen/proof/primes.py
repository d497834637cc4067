"""Whether a number is a prime: the same answer everywhere, and nobody can bring about a wrong one.

The bases are drawn from a hash of the number, so nobody chooses a number to suit them. One that is
no prime passes each with a chance of at most 1/4: to find one that passes all takes 2**128 tries.

Source: Miller and Rabin; Knuth, volume 2, 4.5.4, algorithm P.
"""

import functools
import hashlib

_ROUNDS = 64


@functools.lru_cache(256)
def is_prime(n: int) -> bool:
    """Whether a number of at most 256 bits is a prime."""
    if n < 4 or n % 2 == 0:
        return n in (2, 3)
    odd = n - 1
    twos = (odd & -odd).bit_length() - 1
    odd >>= twos
    seed = n.to_bytes(32, "little")
    return all(_passes(n, odd, twos, _base(seed, index, n)) for index in range(_ROUNDS))


def _base(seed: bytes, index: int, n: int) -> int:
    drawn = hashlib.sha512(seed + index.to_bytes(1, "little")).digest()
    return 2 + int.from_bytes(drawn, "little") % (n - 3)


def _passes(n: int, odd: int, twos: int, base: int) -> bool:
    x = pow(base, odd, n)
    if x in (1, n - 1):
        return True
    for _ in range(twos - 1):
        x = x * x % n
        if x == n - 1:
            return True
    return False
