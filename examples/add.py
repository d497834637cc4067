"""The sum of two field elements: without annotations, numbers are elements of the proof's field."""


def main(a, b):
    return a + b


# main(1, 1) -> 2
