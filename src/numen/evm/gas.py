"""Prices, and the formulas over them. Which fork has which prices stands in `forks`.

Everything is in units of gas and Python integers; nothing here is bounded but by its operands.
"""

import msgspec


class Gas(msgspec.Struct, frozen=True):
    """What things cost in one fork; the defaults are Frontier's (yellow paper, appendix G).

    A price that a fork does not have yet is 0. The part of an opcode's price that is always
    charged stands in `Fork.base_gas`, not here, even where it is named here too.

    Attributes:
        sload_cold: On top of SLOAD's base, at the first access of a slot (EIP-2929: 2100 - 100).
        account_cold: On top of an opcode's base, at the first access of an account (2600 - 100).
        delegate: The account that a delegation points at, at every call (EIP-7702).
        selfdestruct_cold: For a beneficiary accessed first; SELFDESTRUCT has no warm price.
        sstore_cold: On top of what SSTORE costs, at the first access of a slot.
        sstore_set: A slot from its original zero to something.
        sstore_reset: A slot from its original value to another, or to zero.
        sstore_noop: A write that changes nothing, or to a slot that has changed before.
        sstore_sentry: SSTORE fails with this much gas or less left (EIP-2200).
        sstore_clear_refund: A slot to zero.
        call_value: A call that sends wei.
        call_stipend: Gas that such a call gives the callee for nothing.
        new_account: A call or SELFDESTRUCT that brings an account to life.
        selfdestruct_new_account: The same for SELFDESTRUCT, since EIP-150.
        selfdestruct_refund: A contract given up for the first time.
        exp_byte: A byte of the exponent of EXP.
        keccak_word: A word hashed by KECCAK256.
        copy_word: A word copied to memory.
        log_data: A byte of a log.
        memory_word: A word of memory, besides the square.
        memory_divisor: Words squared, over this.
        create_word: A word of the code that makes a contract (EIP-3860).
        create2_word: A word of it hashed by CREATE2.
        code_deposit: A byte of a new contract's code.
        tx_base: A transaction.
        tx_create: One that makes a contract, on top.
        tx_data_zero: A zero byte of its input.
        tx_data_nonzero: Another byte of its input.
        tx_access_address: An account in its access list (EIP-2930).
        tx_access_slot: A slot in its access list.
        tx_floor_token: Least price of a token of input; a zero byte is one, another four
            (EIP-7623).
        authorization: A tuple of a delegation list whose account is empty (EIP-7702).
        authorization_base: What a tuple costs where the account is not; the rest is refunded.
        blob: Blob gas of one blob (EIP-4844).
        refund_quotient: At most gas used over this is refunded.
        ecrecover: Precompile 1.
        sha256: Precompile 2, and a word of its input.
        ripemd160: Precompile 3, and a word of its input.
        identity: Precompile 4, and a word of its input.
        bn_add: Precompile 6 (EIP-196, EIP-1108).
        bn_mul: Precompile 7.
        bn_pairing: Precompile 8, and a pair of its input (EIP-197, EIP-1108).
        blake2_round: A round of precompile 9 (EIP-152).
        point_evaluation: Precompile 10 (EIP-4844).
        bls_g1_add: Precompile 11 (EIP-2537).
        bls_g1_mul: One multiplication of precompile 12, before the discount.
        bls_g2_add: Precompile 13.
        bls_g2_mul: One multiplication of precompile 14, before the discount.
        bls_pairing: Precompile 15, and a pair of its input.
        bls_map_g1: Precompile 16.
        bls_map_g2: Precompile 17.
        p256_verify: Precompile 0x100 (EIP-7951).
    """

    sload_cold: int = 0
    account_cold: int = 0
    delegate: int = 0
    selfdestruct_cold: int = 0
    sstore_cold: int = 0
    sstore_set: int = 20_000
    sstore_reset: int = 5_000
    sstore_noop: int = 5_000
    sstore_sentry: int = 0
    sstore_clear_refund: int = 15_000
    call_value: int = 9_000
    call_stipend: int = 2_300
    new_account: int = 25_000
    selfdestruct_new_account: int = 0
    selfdestruct_refund: int = 24_000
    exp_byte: int = 10
    keccak_word: int = 6
    copy_word: int = 3
    log_data: int = 8
    memory_word: int = 3
    memory_divisor: int = 512
    create_word: int = 0
    create2_word: int = 6
    code_deposit: int = 200
    tx_base: int = 21_000
    tx_create: int = 0
    tx_data_zero: int = 4
    tx_data_nonzero: int = 68
    tx_access_address: int = 0
    tx_access_slot: int = 0
    tx_floor_token: int = 0
    authorization: int = 0
    authorization_base: int = 0
    blob: int = 0
    refund_quotient: int = 2
    ecrecover: int = 3_000
    sha256: int = 60
    sha256_word: int = 12
    ripemd160: int = 600
    ripemd160_word: int = 120
    identity: int = 15
    identity_word: int = 3
    bn_add: int = 500
    bn_mul: int = 40_000
    bn_pairing: int = 100_000
    bn_pair: int = 80_000
    blake2_round: int = 1
    point_evaluation: int = 50_000
    bls_g1_add: int = 375
    bls_g1_mul: int = 12_000
    bls_g2_add: int = 600
    bls_g2_mul: int = 22_500
    bls_pairing: int = 37_700
    bls_pair: int = 32_600
    bls_map_g1: int = 5_500
    bls_map_g2: int = 23_800
    p256_verify: int = 6_900


def words(size_bytes: int) -> int:
    """Words of 32 bytes that so many bytes take up, the last one perhaps in part."""
    return (size_bytes + 31) // 32


def memory_total(gas: Gas, size_bytes: int) -> int:
    """Price of a memory of so many bytes; growing costs the difference of two such prices."""
    count = words(size_bytes)
    return gas.memory_word * count + count * count // gas.memory_divisor


def all_but_one_64th(gas_left: int) -> int:
    """What a frame may give to a call it makes (EIP-150)."""
    return gas_left - gas_left // 64
