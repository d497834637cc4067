"""Compile the contracts of this folder again, and write ``artifacts.json``.

    npm install --no-save solc@0.8.30          (or have it below .judges)
    python bench/contracts/recompile.py [--solc PATH/TO/solcjs]

The artefacts are committed so that a benchmark or a test needs no compiler. They name the compilers
that made them; the same compilers give the same bytes.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TARGET = HERE / "artifacts.json"
EVM_VERSION = "cancun"
"""Newest instruction set that every engine in the comparison knows."""


def main() -> None:
    """Read the arguments, compile everything, write the file."""
    parser = argparse.ArgumentParser(description="Compile the benchmark's contracts again.")
    parser.add_argument("--solc", default=None, help="the program solcjs of the npm package solc")
    solc = find_solc(parser.parse_args().solc)
    compilers, contracts = {}, {}
    compilers["solc"] = subprocess.check_output([solc, "--version"], text=True).strip()
    contracts |= solidity(solc)
    vyper = shutil.which("vyper") or str(Path(sys.executable).parent / "vyper")
    compilers["vyper"] = subprocess.check_output([vyper, "--version"], text=True).strip()
    contracts |= in_vyper(vyper)
    record = {"evm_version": EVM_VERSION, "compilers": compilers, "contracts": contracts}
    TARGET.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")


def find_solc(named: str | None) -> str:
    """The path of ``solcjs``: as named, in the folder of judges, or installed for everybody."""
    for found in (named, ROOT / ".judges/node_modules/.bin/solcjs", shutil.which("solcjs")):
        if found and Path(found).exists():
            return str(found)
    raise SystemExit("no solcjs found; see the head of this script")


def solidity(solc: str) -> dict[str, object]:
    """Compile every Solidity file in one run, optimised as deployed contracts are."""
    sources = {path.name: {"content": path.read_text()} for path in sorted(HERE.glob("*.sol"))}
    outputs = ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]
    request = {
        "language": "Solidity",
        "sources": sources,
        "settings": {
            "evmVersion": EVM_VERSION,
            "optimizer": {"enabled": True, "runs": 200},
            "metadata": {"appendCBOR": False},
            "outputSelection": {"*": {"*": outputs}},
        },
    }
    command = [solc, "--standard-json"]
    with tempfile.TemporaryFile("w+") as answer:  # it may exit before a pipe has taken all
        subprocess.run(command, input=json.dumps(request), text=True, stdout=answer, check=True)
        answer.seek(0)
        text = answer.read()
    text = text[text.index("{") :]  # it may announce that a solver is absent
    result = json.loads(text)
    problems = [e["formattedMessage"] for e in result.get("errors", ())]
    if any(problems):
        raise SystemExit("\n".join(problems))
    return {
        name: {
            "source": file,
            "abi": made["abi"],
            "bytecode": made["evm"]["bytecode"]["object"],
            "runtime": made["evm"]["deployedBytecode"]["object"],
        }
        for file, contracts in result["contracts"].items()
        for name, made in contracts.items()
        if made["evm"]["bytecode"]["object"]
    }


def in_vyper(vyper: str) -> dict[str, object]:
    """Compile every Vyper file."""
    contracts: dict[str, object] = {}
    for path in sorted(HERE.glob("*.vy")):
        options = ["-f", "abi,bytecode,bytecode_runtime", "--evm-version", EVM_VERSION]
        made = subprocess.check_output([vyper, *options, "--no-bytecode-metadata", path], text=True)
        abi, bytecode, runtime = made.splitlines()
        contracts[path.stem.capitalize()] = {
            "source": path.name,
            "abi": json.loads(abi),
            "bytecode": bytecode.removeprefix("0x"),
            "runtime": runtime.removeprefix("0x"),
        }
    return contracts


if __name__ == "__main__":
    main()
