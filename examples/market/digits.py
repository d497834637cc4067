"""Image classification: 196 handwritten digits, in four tasks, for equal answers of strangers.

    python examples/market/digits.py
"""

from numen.demo import catalogue
from numen.demo.worked import Work, a_market, compare


def main(batches: int = 4) -> None:
    sales = [sale for sale in catalogue.sales() if sale.job == "digits" and not sale.is_proven]
    works = [Work(sale.program, sale.args) for sale in sales[:batches]]
    with a_market() as place:
        found = compare("Image classification", place, works, evidence="quorum", bid=10_000)
    said = [label for value in found.values for label in value]
    known = [label for sale in sales[:batches] for label in sale.labels]
    right = sum(a == b for a, b in zip(said, known, strict=True))
    print(f"{right} of {len(known)} as people say")


if __name__ == "__main__":
    main()
