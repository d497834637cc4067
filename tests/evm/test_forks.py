"""Each fork has what the specification gives it."""

from importlib import import_module

import pytest

from numen.evm import forks
from numen.evm.errors import UnknownForkError
from numen.evm.forks import FORKS
from numen.evm.gas import Gas, all_but_one_64th, memory_total, words
from numen.evm.opcodes import BY_NAME

SPECIFIED = {name: name for name in FORKS if name != "constantinople"} | {
    "petersburg": "constantinople"  # the specification has only what the main net ran
}

TITLES = (
    *("Frontier", "Homestead", "EIP150", "EIP158", "Byzantium", "Constantinople"),
    *("ConstantinopleFix", "Istanbul", "Berlin", "London", "Paris", "Shanghai", "Cancun"),
    *("Prague", "Osaka"),
)


def module(fork, name):
    pytest.importorskip(
        "ethereum.forks.frontier", reason="the specification is a judge; `make judges` installs it"
    )
    return import_module(f"ethereum.forks.{SPECIFIED[fork]}.{name}")


def test_forks_are_numbered_in_their_order():
    assert [fork.number for fork in FORKS.values()] == list(range(15))
    assert [fork.name for fork in FORKS.values()] == list(FORKS)


def test_a_fork_is_found_by_the_names_of_the_public_suites():
    assert [forks.fork(title).name for title in TITLES] == list(FORKS)
    assert [fork.title for fork in FORKS.values()] == list(TITLES)
    assert forks.fork("Merge") is forks.PARIS
    assert forks.fork("spurious_dragon") is forks.SPURIOUS_DRAGON
    assert forks.fork("GrayGlacier") is forks.LONDON
    assert forks.fork("SpuriousDragon") is forks.SPURIOUS_DRAGON


@pytest.mark.parametrize("name", ["", "Cancum", "x" * 10_000])
def test_another_name_is_an_error_that_lists_the_names(name):
    with pytest.raises(UnknownForkError) as caught:
        forks.fork(name)

    assert "prague" in caught.value.hint
    assert len(str(caught.value)) < 400


@pytest.mark.judges
@pytest.mark.parametrize("fork", SPECIFIED)
def test_a_fork_has_the_opcodes_of_its_specification(fork):
    ops = module(fork, "vm.instructions").Ops

    assert set(FORKS[fork].base_gas) == {int(op.value) for op in ops}


@pytest.mark.judges
@pytest.mark.parametrize("fork", SPECIFIED)
def test_a_fork_has_the_precompiles_of_its_specification(fork):
    theirs = module(fork, "vm.precompiled_contracts.mapping").PRE_COMPILED_CONTRACTS

    assert FORKS[fork].precompiles == tuple(
        sorted(int.from_bytes(address, "big") for address in theirs)
    )


PRICES = {
    "GAS_STORAGE_SET": "sstore_set",
    "GAS_STORAGE_CLEAR_REFUND": "sstore_clear_refund",
    "GAS_EXPONENTIATION_PER_BYTE": "exp_byte",
    "GAS_MEMORY": "memory_word",
    "GAS_KECCAK256_WORD": "keccak_word",
    "GAS_COPY": "copy_word",
    "GAS_LOG_DATA": "log_data",
    "GAS_CODE_DEPOSIT": "code_deposit",
    "GAS_NEW_ACCOUNT": "new_account",
    "GAS_CALL_VALUE": "call_value",
    "GAS_CALL_STIPEND": "call_stipend",
    "GAS_SELF_DESTRUCT_NEW_ACCOUNT": "selfdestruct_new_account",
    "GAS_ECRECOVER": "ecrecover",
    "GAS_SHA256": "sha256",
    "GAS_SHA256_WORD": "sha256_word",
    "GAS_RIPEMD160": "ripemd160",
    "GAS_RIPEMD160_WORD": "ripemd160_word",
    "GAS_IDENTITY": "identity",
    "GAS_IDENTITY_WORD": "identity_word",
    "GAS_BLAKE2_PER_ROUND": "blake2_round",
    "GAS_POINT_EVALUATION": "point_evaluation",
    "GAS_BLS_G1_ADD": "bls_g1_add",
    "GAS_BLS_G1_MUL": "bls_g1_mul",
    "GAS_BLS_G1_MAP": "bls_map_g1",
    "GAS_BLS_G2_ADD": "bls_g2_add",
    "GAS_BLS_G2_MUL": "bls_g2_mul",
    "GAS_BLS_G2_MAP": "bls_map_g2",
    "GAS_P256VERIFY": "p256_verify",
    "GAS_INIT_CODE_WORD_COST": "create_word",
    "GAS_PER_BLOB": "blob",
}
"""Fields of `Gas` by the specification's names; it has each only in the forks that price it."""

BASE_PRICES = {
    "GAS_SLOAD": "SLOAD",
    "GAS_BALANCE": "BALANCE",
    "GAS_EXTERNAL": "EXTCODESIZE",
    "GAS_CODE_HASH": "EXTCODEHASH",
    "GAS_CALL": "CALL",
    "GAS_CREATE": "CREATE",
    "GAS_SELF_DESTRUCT": "SELFDESTRUCT",
    "GAS_KECCAK256": "KECCAK256",
    "GAS_BLOCK_HASH": "BLOCKHASH",
    "GAS_WARM_ACCESS": "STATICCALL",
    "GAS_BLOBHASH_OPCODE": "BLOBHASH",
    "GAS_LOG": "LOG0",
    "GAS_JUMPDEST": "JUMPDEST",
}


@pytest.mark.judges
@pytest.mark.parametrize("fork", SPECIFIED)
def test_a_fork_has_the_prices_of_its_specification(fork):
    theirs, ours = module(fork, "vm.gas"), FORKS[fork]
    known = {name: field for name, field in PRICES.items() if hasattr(theirs, name)}
    based = {name: op for name, op in BASE_PRICES.items() if hasattr(theirs, name)}

    assert len(known) >= 18
    assert {n: getattr(ours.gas, f) for n, f in known.items()} == {
        name: int(getattr(theirs, name)) for name in known
    }
    assert {n: ours.base_gas[BY_NAME[op].byte] for n, op in based.items()} == {
        name: int(getattr(theirs, name)) for name in based
    }


@pytest.mark.judges
@pytest.mark.parametrize("fork", [f.name for f in FORKS.values() if f.has_access_lists])
def test_first_accesses_cost_what_the_specification_says(fork):
    theirs, ours = module(fork, "vm.gas"), FORKS[fork]
    warm = int(theirs.GAS_WARM_ACCESS)

    assert ours.gas.sload_cold == int(theirs.GAS_COLD_SLOAD) - warm
    assert ours.gas.account_cold == int(theirs.GAS_COLD_ACCOUNT_ACCESS) - warm
    assert ours.gas.selfdestruct_cold == int(theirs.GAS_COLD_ACCOUNT_ACCESS)
    assert ours.gas.sstore_cold == int(theirs.GAS_COLD_SLOAD)
    assert ours.gas.sstore_reset == int(theirs.GAS_STORAGE_UPDATE - theirs.GAS_COLD_SLOAD)
    assert ours.gas.sstore_noop == warm


def test_memory_costs_the_yellow_papers_polynomial():
    assert [words(size) for size in (0, 1, 32, 33)] == [0, 1, 1, 2]
    assert memory_total(Gas(), 0) == 0
    assert memory_total(Gas(), 22 * 32) == 66
    assert memory_total(Gas(), 1024 * 32) == 3 * 1024 + 2048


@pytest.mark.parametrize(("left", "given"), [(0, 0), (63, 63), (64, 63), (6400, 6300)])
def test_a_64th_is_kept(left, given):
    assert all_but_one_64th(left) == given
