"""Quicksort without recursion: what is still to be sorted waits on a stack of its own."""

from dataclasses import dataclass

from numen import i64, u64

SIZE = 16


@dataclass
class Stretch:
    low: u64
    high: u64


def main(xs: list[i64, SIZE]) -> list[i64, SIZE]:
    sort(xs)
    return xs.copy()


def sort(xs: list[i64, N]):
    waiting = [Stretch(0, N) for _ in range(N)]
    depth: u64 = 1
    while depth > 0:
        depth -= 1
        low, high = waiting[depth].low, waiting[depth].high
        if high - low > 1:
            middle = split(xs, low, high)
            waiting[depth] = Stretch(low, middle)
            waiting[depth + 1] = Stretch(middle + 1, high)
            depth += 2


def split(xs: list[i64, N], low: u64, high: u64) -> u64:
    """Move what is less than the last element before it; where that element ends up."""
    pivot = xs[high - 1]
    place = low
    for i in range(low, high - 1):
        if xs[i] < pivot:
            xs[i], xs[place] = xs[place], xs[i]
            place += 1
    xs[high - 1], xs[place] = xs[place], pivot
    return place


# main([3, 1, 4, 1, -5, 9, 2, 6, 5, 3, 5, 8, -9, 7, 9, 3]) -> [-9, -5, 1, 1, 2, 3, 3, 3, 4, 5, 5, 6, 7, 8, 9, 9]
