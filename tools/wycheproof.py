"""Write `tests/lang/vectors/ecdsa.json`: Wycheproof's signatures on secp256k1 as numbers.

python tools/wycheproof.py ecdsa_secp256k1_sha256_test.json > tests/lang/vectors/ecdsa.json

What is about the encoding of signatures is left out: those that no strict reader of DER takes, and
numbers that no word of 256 bits holds.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

WORD = 1 << 256


def integers(signature: bytes) -> tuple[int, int] | None:
    """The two numbers of a signature in strict DER."""
    if len(signature) < 2 or signature[0] != 0x30 or signature[1] != len(signature) - 2:
        return None
    found, at = [], 2
    while at + 2 <= len(signature):
        tag, size = signature[at], signature[at + 1]
        body = signature[at + 2 : at + 2 + size]
        at += 2 + size
        number = int.from_bytes(body, "big", signed=True)
        shortest = max(1, number.bit_length() // 8 + 1)
        if tag != 0x02 or len(body) != size or size != shortest or number < 0:
            return None
        found.append(number)
    return (found[0], found[1]) if len(found) == 2 and at == len(signature) else None


def rows(file: dict[str, Any]) -> list[dict[str, Any]]:
    """Each test as numbers."""
    found = []
    for group in file["testGroups"]:
        key = group["publicKey"]
        point = [int(key["wx"], 16), int(key["wy"], 16)]
        for test in group["tests"]:
            pair = integers(bytes.fromhex(test["sig"]))
            if pair is None or max(pair) >= WORD:
                continue
            digest = int.from_bytes(hashlib.sha256(bytes.fromhex(test["msg"])).digest(), "big")
            numbers = [f"{number:x}" for number in (digest, *pair, *point)]
            is_valid = test["result"] == "valid"
            found.append({"id": test["tcId"], "says": test["comment"], "is_valid": is_valid}
                         | {"numbers": numbers})  # fmt: skip
    return found


def main() -> None:
    """Write the numbers of the file that is named."""
    file = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    lines = ",\n".join(json.dumps(row) for row in rows(file))
    print(f"[\n{lines}\n]")


if __name__ == "__main__":
    main()
