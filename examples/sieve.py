"""How many primes are below a bound."""

from numen import u64

SIZE = 100_000


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


# main(1000) -> 168
# main(100001) -> trap: the sieve is too small
