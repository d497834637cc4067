"""Blocks made by chance, for transitions that two tools must agree on."""

import random
from typing import Any

from numen.base.crypto import SigningKey, keccak256
from numen.evm import rlp, system
from numen.evm.authority import Authorization
from numen.evm.beacon_requests import DEPOSIT_CONTRACT
from numen.evm.forks import Fork

KEYS = {n: SigningKey(n.to_bytes(32, "big")) for n in range(1, 7)}
COINBASE = b"\xc0" * 20
EMPTY = b"\xe0" * 20
NOBODY = b"\xd0" * 20

CONTRACTS = {
    b"\x51" * 20: "6020356000355500",  # store calldata[1] at calldata[0]
    b"\x52" * 20: "366000600037602a33366000a200",  # log the calldata
    b"\x53" * 20: "600160015560006000fd",  # store, then revert
    b"\x54" * 20: "600035ff",  # give up, for calldata[0]
    b"\x55" * 20: "36600060003736600034f060015500",  # make a contract
    b"\x56" * 20: "60203603602060003760006000602036036000346000355af160025500",  # call calldata[0]
    b"\x57" * 20: "436001900340600355435a60045500",  # keep the parent's hash
    b"\x58" * 20: "5b6000600055600056",  # run until the gas is gone
}

SYSTEM = {
    system.BEACON_ROOTS: "6000354255" + "00",
    system.BLOCK_HASHES: "600035600143035500",
    system.WITHDRAWAL_REQUESTS: "601960005260206000f3",
    system.CONSOLIDATION_REQUESTS: "60206000f3",
    DEPOSIT_CONTRACT: "366000600037"
    "7f" + keccak256(b"DepositEvent(bytes,bytes,bytes,bytes,bytes)").hex() + "366000a100",
}


def deposit_event() -> bytes:
    """What the deposit contract logs: five byte strings, as Solidity encodes them."""
    sizes, heads, tails = (48, 32, 8, 96, 8), b"", b""
    for size in sizes:
        heads += (160 + len(tails)).to_bytes(32, "big")
        tails += size.to_bytes(32, "big") + bytes(range(size)).ljust((size + 31) // 32 * 32, b"\0")
    return heads + tails


def block(fork: Fork, seed: int, *, has_invalid: bool = False) -> dict[str, Any]:
    """Make alloc, env and txs of a block."""
    chance = random.Random(f"{fork.name} {seed}")
    nonces = dict.fromkeys(KEYS, 0)
    txs = [_transaction(chance, fork, nonces) for _ in range(chance.randrange(1, 9))]
    if has_invalid:
        txs += [_spoiled(chance, _transaction(chance, fork, dict(nonces))) for _ in range(2)]
    return {"alloc": _alloc(chance, fork), "env": _env(chance, fork), "txs": txs}


def _alloc(chance: random.Random, fork: Fork) -> dict[str, Any]:
    code = CONTRACTS | (SYSTEM if fork.has_beacon_root else {})
    found = {
        "0x" + address.hex(): {
            "balance": hex(chance.choice((0, 7))),
            "nonce": "0x1",
            "code": "0x" + text,
            "storage": {"0x01": hex(chance.randrange(3)), "0x02": "0x05"},
        }
        for address, text in code.items()
    }
    for account in found.values():
        account["storage"] = {
            key: word for key, word in account["storage"].items() if word != "0x0"
        }
    for key in KEYS.values():
        found["0x" + key.address.hex()] = {
            "balance": hex(10**22),
            "nonce": "0x0",
            "code": "0x",
            "storage": {},
        }
    if not fork.has_prev_randao:  # since then no state has empty accounts
        empty = {"balance": "0x0", "nonce": "0x0", "code": "0x", "storage": {}}
        found["0x" + EMPTY.hex()] = empty
        if chance.random() < 0.5:
            found["0x" + COINBASE.hex()] = dict(empty)
    return found


def _env(chance: random.Random, fork: Fork) -> dict[str, Any]:
    found: dict[str, Any] = {
        "currentCoinbase": "0x" + COINBASE.hex(),
        "currentGasLimit": hex(30_000_000),
        "currentNumber": hex(12_345_678),
        "currentTimestamp": hex(1_700_000_000),
        "blockHashes": {hex(12_345_677): "0x" + keccak256(b"parent").hex()},
    }
    if fork.has_prev_randao:
        found["currentRandom"] = "0x" + keccak256(b"chance").hex()
    elif chance.random() < 0.5:
        found["currentDifficulty"] = "0x20000"
    else:
        found["parentDifficulty"] = hex(chance.randrange(131_072, 2**50))
        found["parentTimestamp"] = hex(1_700_000_000 - chance.randrange(1, 1_200))
        found["parentUncleHash"] = (
            "0x" + keccak256(rlp.encode([]) if chance.random() < 0.5 else b"some").hex()
        )
    if fork.has_dynamic_fee:
        found["parentBaseFee"] = hex(chance.randrange(7, 5_000))
        found["parentGasLimit"] = hex(30_000_000)
        found["parentGasUsed"] = hex(chance.choice((0, 15_000_000, 15_000_001, 29_000_000)))
        if chance.random() < 0.5:
            found["currentBaseFee"] = hex(chance.randrange(7, 5_000))
    if fork.number >= 11:
        found["withdrawals"] = [
            {
                "index": hex(index),
                "validatorIndex": hex(chance.randrange(9)),
                "address": "0x" + chance.choice((EMPTY, NOBODY, b"\x51" * 20)).hex(),
                "amount": hex(chance.randrange(3)),
            }
            for index in range(chance.randrange(3))
        ]
    if fork.has_blobs:
        found["parentBeaconBlockRoot"] = "0x" + keccak256(b"beacon").hex()
        found["parentExcessBlobGas"] = hex(chance.choice((0, 2**17, 10**7, 5 * 10**7)))
        found["parentBlobGasUsed"] = hex(chance.randrange(7) * 2**17)
        if chance.random() < 0.3:
            found["currentExcessBlobGas"] = hex(chance.randrange(2 * 10**7))
    return found


def _transaction(chance: random.Random, fork: Fork, nonces: dict[int, int]) -> dict[str, Any]:
    number = chance.choice(list(nonces))
    to, data = _target(chance, fork)
    found = {
        "nonce": hex(nonces[number]),
        "gas": hex(chance.choice((90_000, 250_000, 1_000_000))),
        "to": to and "0x" + to.hex(),
        "value": hex(chance.choice((0, 0, 1, 10**15))),
        "input": "0x" + data.hex(),
        "secretKey": f"0x{number:064x}",
        "v": "0x0",
        "r": "0x0",
        "s": "0x0",
    }
    nonces[number] += 1
    _price(chance, fork, found, nonces)
    return found


def _target(chance: random.Random, fork: Fork) -> tuple[bytes | None, bytes]:
    """Choose whom to call with what."""
    some = chance.choice(
        [*CONTRACTS, EMPTY, NOBODY, COINBASE, KEYS[1].address, bytes(19) + b"\x02"]
    )
    word = chance.choice((0, 1, 2)).to_bytes(32, "big")
    stop = bytes.fromhex("60006000f3")
    returns = bytes.fromhex("6a60016000556001600052506000600a6016f3")
    whom = chance.choice((some, NOBODY, COINBASE)).rjust(32, b"\0")
    choices: list[tuple[bytes | None, bytes]] = [
        (b"\x51" * 20, word + chance.choice((bytes(32), word, b"\xff" * 32))),
        (b"\x52" * 20, chance.randbytes(chance.randrange(70))),
        (b"\x53" * 20, b""),
        (b"\x54" * 20, whom),
        (
            b"\x55" * 20,
            chance.choice((stop, returns, b"\xfe", b"\x60\xef\x60\0\x53\x60\x01\x60\0\xf3")),
        ),
        (b"\x56" * 20, whom + word + word),
        (b"\x57" * 20, b""),
        (b"\x58" * 20, b""),
        (some, chance.randbytes(4)),
        (None, chance.choice((stop, returns, b"", b"\xfe"))),
    ]
    if fork.has_requests:
        choices += [(DEPOSIT_CONTRACT, deposit_event())] * 2
    return chance.choice(choices)


def _price(chance: random.Random, fork: Fork, tx: dict[str, Any], nonces: dict[int, int]) -> None:
    """Choose a kind, and the fields that it has."""
    kinds = [0]
    kinds += [1] * fork.has_access_lists + [2] * fork.has_dynamic_fee
    if tx["to"]:
        kinds += [3] * fork.has_blobs + [4, 4] * fork.has_delegations
    kind = chance.choice(kinds)
    if kind:
        tx |= {"type": hex(kind), "chainId": "0x1", "accessList": _access_list(chance)}
    else:
        tx["protected"] = chance.random() < 0.5
    if kind < 2:
        tx["gasPrice"] = hex(chance.randrange(10_000, 20_000))
        return
    tx["maxFeePerGas"] = hex(chance.randrange(10_000, 20_000))
    tx["maxPriorityFeePerGas"] = hex(chance.randrange(9_000))
    if kind == 3:
        tx["maxFeePerBlobGas"] = hex(10**12)
        tx["blobVersionedHashes"] = ["0x01" + chance.randbytes(31).hex()]
    if kind == 4:
        tx["authorizationList"] = [
            _authorization(chance, nonces) for _ in range(chance.randrange(1, 4))
        ]


def _access_list(chance: random.Random) -> list[dict[str, Any]]:
    addresses = chance.sample([*CONTRACTS, EMPTY, NOBODY], chance.randrange(3))
    keys = [f"0x{n:064x}" for n in range(chance.randrange(3))]
    return [{"address": "0x" + each.hex(), "storageKeys": keys} for each in addresses]


def _authorization(chance: random.Random, nonces: dict[int, int]) -> dict[str, str]:
    number = chance.choice([*nonces, 77])
    key = KEYS.get(number) or SigningKey(number.to_bytes(32, "big"))
    nonce = nonces.get(number, 0) + (chance.random() < 0.2)
    to = chance.choice([*CONTRACTS, bytes(20), bytes(19) + b"\x04", KEYS[2].address])
    item = Authorization(chance.choice((0, 1, 1, 9)), to, nonce)
    raw = key.sign(item.digest())
    if nonce == nonces.get(number) and item.chain_id in (0, 1):
        nonces[number] += 1
    return {
        "chainId": hex(item.chain_id),
        "address": "0x" + to.hex(),
        "nonce": hex(nonce),
        "v": hex(raw[64] - 27),
        "r": "0x" + raw[:32].hex(),
        "s": "0x" + raw[32:64].hex(),
    }


def _spoiled(chance: random.Random, tx: dict[str, Any]) -> dict[str, Any]:
    """Make a transaction one that no block may contain."""
    return tx | chance.choice(
        [
            {"nonce": hex(99)},
            {"gas": hex(20_000)},
            {"gas": hex(40_000_000)},
            {"value": hex(10**30)},
        ]
    )
