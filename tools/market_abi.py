"""Write the ABI of the market's contract, so that who asks it need not compile it.

    python tools/market_abi.py

`tests/market/contracts/test_artifact.py` compares.
"""

import json
from pathlib import Path

from numen.market.contracts import artifact

ROOT = Path(__file__).resolve().parents[1]


def text() -> str:
    """The file, one entry a line."""
    lines = [json.dumps(entry, separators=(",", ":")) for entry in artifact.contract().abi]
    return "[\n" + ",\n".join(lines) + "\n]\n"


if __name__ == "__main__":
    folder = ROOT / "src/numen/market/contracts"
    (folder / artifact.ABI_FILE).write_text(text())
