"""A protein folds: simulated annealing on the HP model, from several seeds at once.

    python examples/market/folding.py

Each seed is a task of its own, for equal answers of strangers; the best fold is kept. The chain is
a published benchmark of 20 residues whose best energy is known to be -9.
"""

from numen.demo import catalogue
from numen.demo.worked import Work, a_market, compare


def main(seeds: int = 4, steps: int = catalogue.FOLD_STEPS) -> None:
    program = catalogue.program("folding")
    works = [Work(program, (catalogue.FOLD_SEED + seed, steps)) for seed in range(seeds)]
    with a_market() as place:
        found = compare(
            "Protein folding", place, works, evidence="quorum", bid=10_000, work_limit=10**9
        )
    best = max(value["contacts"] for value in found.values)
    print("best energy:", -best)


if __name__ == "__main__":
    main()
