"""The primes below a bound, counted by the sieve of Eratosthenes."""

from numen import u64

SIZE = 5_000_000


def main(limit: u64) -> u64:
    assert limit <= SIZE, "the sieve is too small"
    composite = [False] * SIZE
    count: u64 = 0
    for number in range(2, limit):
        if not composite[number]:
            count += 1
            multiple = number * number
            while multiple < limit:
                composite[multiple] = True
                multiple += number
    return count


# main(100) -> 25
