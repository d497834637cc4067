"""Write the contracts of the test keys, compile them, and write ``artifacts.json``.

    npm install --no-save solc@0.8.30          (or have it below .judges: `make judges`)
    python -m tests.proof.contracts.recompile

The artefacts are committed so that ordinary tests need no compiler.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from numen.proof.contracts import write_contract
from tests.proof.contracts.cases import CASES, TARGET

ROOT = Path(__file__).parents[3]
SOLC = ROOT / ".judges/node_modules/.bin/solcjs"
EVM_VERSION = "cancun"


def compiled(key, target):
    """Source, interface and bytecode of a key's contract."""
    source = write_contract(key, target)
    abi, code = (solidity if target == "solidity" else vyper)(source)
    return {"source": source, "abi": abi, "bytecode": code}


def solidity(source):
    request = {
        "language": "Solidity",
        "sources": {"Verifier.sol": {"content": source}},
        "settings": {
            "evmVersion": EVM_VERSION,
            "optimizer": {"enabled": True, "runs": 200},
            "metadata": {"appendCBOR": False},
            "outputSelection": {"*": {"*": ["abi", "evm.bytecode.object"]}},
        },
    }
    with tempfile.TemporaryFile("w+") as answer:
        subprocess.run(
            [SOLC, "--standard-json"],
            input=json.dumps(request),
            text=True,
            stdout=answer,
            check=True,
        )
        answer.seek(0)
        text = answer.read()
    result = json.loads(text[text.index("{") :])
    assert not result.get("errors"), result["errors"]
    made = result["contracts"]["Verifier.sol"]["Verifier"]
    return made["abi"], made["evm"]["bytecode"]["object"]


def vyper(source):
    program = shutil.which("vyper") or str(Path(sys.executable).parent / "vyper")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "verifier.vy"
        path.write_text(source)
        options = ["-f", "abi,bytecode", "--evm-version", EVM_VERSION, "--no-bytecode-metadata"]
        made = subprocess.check_output([program, *options, path], text=True)
    abi, code = made.splitlines()
    return json.loads(abi), code.removeprefix("0x")


def main():
    """Compile everything, write the file."""
    record = {
        f"{name} {target}": compiled(case().key, target)
        for name, case in CASES.items()
        for target in ("solidity", "vyper")
    }
    TARGET.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
