"""A model's inference, proven: which digit is on an image, and nobody has to be believed.

    python examples/market/inference.py

A network of 64 pixels, 16 hidden units and 10 outputs is run by a stranger, who proves with a SNARK
that this output is the network's.
"""

from numen.demo import catalogue
from numen.demo.worked import Work, a_market, compare


def main(images: int = 1) -> None:
    sales = [sale for sale in catalogue.sales() if sale.job == "digits" and sale.is_proven]
    works = [Work(sale.program, sale.args) for sale in sales[:images]]
    with a_market() as place:
        found = compare("A model's inference", place, works, evidence="snark", bid=10_000)
    labels = [sale.labels[0] for sale in sales[:images]]
    print("the model says", list(found.values), "and people say", labels)


if __name__ == "__main__":
    main()
