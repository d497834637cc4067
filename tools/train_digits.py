"""Train the network that the demo's image job runs, and write it as a module of Numen's language.

    pip install -e '.[train]' && python tools/train_digits.py

The images are the UCI "Optical Recognition of Handwritten Digits" that scikit-learn ships (8x8, 0
to 16). A two-layer network is trained on all but 200 of them in floating point, then rounded:
weights to multiples of 1/64, activations to integers. What is written is integers only. The 200
images that training never saw go to ``data/digits.json`` with their labels.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

SEED = 7
TEST_COUNT = 200
HIDDEN_COUNT = 16
ONE = 64
"""The fixed-point one of weights."""

DEMO = Path(__file__).parents[1] / "src" / "numen" / "demo"


def main() -> None:
    """Train, round, measure and write."""
    digits = load_digits()
    images = digits.data.astype(np.int64)
    order = np.random.default_rng(SEED).permutation(len(images))
    test, train = order[:TEST_COUNT], order[TEST_COUNT:]

    network = MLPClassifier((HIDDEN_COUNT,), alpha=0.5, max_iter=600, random_state=SEED)
    network.fit(images[train] / 16, digits.target[train])
    hidden, hidden_bias, output, output_bias = _rounded(network)

    found = _classify(images[test], hidden, hidden_bias, output, output_bias)
    right = int((found == digits.target[test]).sum())
    exact = int((network.predict(images[test] / 16) == digits.target[test]).sum())
    print(f"floating point {exact} of {TEST_COUNT}, integers {right} of {TEST_COUNT}")

    _write_module(hidden, hidden_bias, output, output_bias)
    rows = [
        {"image": image.tolist(), "label": int(label)}
        for image, label in zip(images[test], digits.target[test], strict=True)
    ]
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    (DEMO / "data" / "digits.json").write_text(f"[\n{lines}\n]\n")


def _rounded(network: MLPClassifier) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The parameters as integers: pixels stay 0 to 16, a hidden unit is in 1/64 of a pixel."""
    first, second = network.coefs_
    return (
        np.rint(first.T * ONE).astype(np.int64),
        np.rint(network.intercepts_[0] * ONE * 16).astype(np.int64),
        np.rint(second.T * ONE).astype(np.int64),
        np.rint(network.intercepts_[1] * ONE * 16).astype(np.int64),
    )


def _classify(
    images: np.ndarray,
    hidden: np.ndarray,
    hidden_bias: np.ndarray,
    output: np.ndarray,
    output_bias: np.ndarray,
) -> np.ndarray:
    units = np.maximum(images @ hidden.T + hidden_bias, 0) >> 6
    best: np.ndarray = (units @ output.T + output_bias).argmax(axis=1)
    return best


def _write_module(
    hidden: np.ndarray, hidden_bias: np.ndarray, output: np.ndarray, output_bias: np.ndarray
) -> None:
    """Write the parameters as module constants, row by row."""
    tables = {
        "HIDDEN": hidden.tolist(),
        "HIDDEN_BIAS": hidden_bias.tolist(),
        "OUTPUT": output.tolist(),
        "OUTPUT_BIAS": output_bias.tolist(),
    }
    text = "# Written by tools/train_digits.py; weights in 1/64.\nfrom numen import i64\n"
    for name, rows in tables.items():
        text += f"\n{name}: {_type(rows)} = {_literal(rows)}\n"
    (DEMO / "jobs" / "digits_weights.py").write_text(text)


def _type(rows: list[Any]) -> str:
    inner = _type(rows[0]) if isinstance(rows[0], list) else "i64"
    return f"list[{inner}, {len(rows)}]"


def _literal(rows: list[Any]) -> str:
    if not isinstance(rows[0], list):
        return str(rows)
    return "[\n" + "".join(f"    {row},\n" for row in rows) + "]"


if __name__ == "__main__":
    main()
