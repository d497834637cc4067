"""Compile the contracts of the examples again, and write their runtime code beside them.

    npm install --no-save solc@0.8.30
    python tools/compile_examples.py [--solc PATH/TO/solcjs] [--vyper PATH/TO/vyper]

The code is committed so that nobody needs a compiler; the same compilers give the same bytes.
"""

import argparse
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "examples/contracts"
SOLIDITY = {"numbers.sol": "numbers.hex", "provable.sol": "provable.solc.hex"}
VYPER = {"provable.vy": "provable.vyper.hex"}


def main() -> None:
    """Read the arguments, compile everything, write the files."""
    parser = argparse.ArgumentParser(description="Compile the examples' contracts again.")
    parser.add_argument("--solc", default="solcjs", help="the program of the npm package solc")
    parser.add_argument("--vyper", default="vyper", help="the program of the package vyper")
    options = parser.parse_args()
    for source, code in solidity(found(options.solc)).items():
        (FOLDER / SOLIDITY[source]).write_text(f"{code}\n")
    for source, target in VYPER.items():
        options_of = ["-O", "gas", "--no-bytecode-metadata", "-f", "bytecode_runtime"]
        words = [*options_of, str(FOLDER / source)]
        code = (
            subprocess.check_output([found(options.vyper), *words], text=True)
            .strip()
            .removeprefix("0x")
        )
        (FOLDER / target).write_text(f"{code}\n")


def found(program: str) -> str:
    """The path of a program."""
    path = shutil.which(program)
    if path is None:
        raise SystemExit(f"no {program} found; see the head of this script")
    return path


def solidity(solc: str) -> dict[str, str]:
    """The runtime code of every Solidity file, optimised as deployed contracts are."""
    request = {
        "language": "Solidity",
        "sources": {name: {"content": (FOLDER / name).read_text()} for name in SOLIDITY},
        "settings": {
            "optimizer": {"enabled": True, "runs": 200},
            "metadata": {"appendCBOR": False},
            "outputSelection": {"*": {"*": ["evm.deployedBytecode.object"]}},
        },
    }
    command = [solc, "--standard-json"]
    with tempfile.TemporaryFile("w+") as answer:  # it may exit before a pipe has taken all
        subprocess.run(command, input=json.dumps(request), text=True, stdout=answer, check=True)
        answer.seek(0)
        text = answer.read()
    reply = json.loads(text[text.index("{") :])  # it may announce that a solver is absent
    for error in reply.get("errors", ()):
        raise SystemExit(error["formattedMessage"])
    return {
        name: contract["evm"]["deployedBytecode"]["object"]
        for name, contracts in reply["contracts"].items()
        for contract in contracts.values()
    }


if __name__ == "__main__":
    main()
