"""Contracts that check proofs of one verifying key, in Solidity and in Vyper.

Both have the function ``verifyProof(a, b, c, input)`` of snarkjs's contracts, with b as EIP-197 has
it. It returns whether the proof is true, and false for whatever is not one: points at infinity or
off their curves, a value that is not below the prime (x + R is no other name of x), calldata of
another length. The key's points are constants, some of them negated, so that one pairing product
is one exactly for a true proof:

    e(a, b) e(-alpha, beta) e(public, -gamma) e(c, -delta) = 1

The constant wire is not an input: its point stands by itself.

Sources: EIP-196, EIP-197.
"""

import re
from typing import Final, Literal

from numen.proof.bn254 import G1, G2, G1Point, G2Point, Q, R
from numen.proof.errors import FormatError, WeakKeyError
from numen.proof.verifier import VerifyingKey

Target = Literal["solidity", "vyper"]

INPUT_COUNT_MAX: Final = 128
"""Values of a statement; contracts of more would not fit in the 24,576 bytes that code may have."""

_NAME = re.compile(r"[A-Z][A-Za-z0-9_]{0,63}")


def write_contract(key: VerifyingKey, target: Target, *, name: str = "Verifier") -> str:
    """Write the contract of a verifying key.

    Args:
        key: From a setup that the contract's users trust.
        target: The language.
        name: Of the contract, a capital and then letters, digits and underscores.

    Raises:
        FormatError: Another name, or more values than `INPUT_COUNT_MAX`.
        WeakKeyError: Anyone could forge proofs for this key.
    """
    if key.gamma == key.delta:
        raise WeakKeyError
    if not _NAME.fullmatch(name):
        raise FormatError("name of a contract", f"{name[:70]!r}")
    if key.statement_count > INPUT_COUNT_MAX:
        reason = f"{key.statement_count} values are more than {INPUT_COUNT_MAX}"
        raise FormatError("verifying key for a contract", reason)
    return _solidity(key, name) if target == "solidity" else _vyper(key, name)


def _constants(key: VerifyingKey) -> dict[str, int]:
    """The numbers of a contract, by name."""
    numbers = {"R": R}
    numbers |= _of_g1("MINUS_ALPHA", G1.negate(key.alpha))
    numbers |= _of_g2("BETA", key.beta)
    numbers |= _of_g2("MINUS_GAMMA", G2.negate(key.gamma))
    numbers |= _of_g2("MINUS_DELTA", G2.negate(key.delta))
    for index, point in enumerate(key.ic):
        numbers |= _of_g1(f"IC_{index}", point)
    return numbers


def _of_g1(name: str, point: G1Point) -> dict[str, int]:
    assert point
    assert max(point) < Q
    return {f"{name}_X": point[0], f"{name}_Y": point[1]}


def _of_g2(name: str, point: G2Point) -> dict[str, int]:
    """The coefficient of u first."""
    assert point
    (x0, x1), (y0, y1) = point
    return {f"{name}_X1": x1, f"{name}_X0": x0, f"{name}_Y1": y1, f"{name}_Y0": y0}


_SOLIDITY_HEAD = """\
// SPDX-License-Identifier: Apache-2.0
// Written by `numen export verifier`.
pragma solidity ^0.8.4;

/// Checks Groth16 proofs over BN254 for one verifying key.
contract NAME {
    // R is the order of the groups: public values are below it. The others are points of the key.
CONSTANTS

    /// Whether a proof is true of the public values.
    /// @param a A point of G1.
    /// @param b A point of G2, in each coordinate the coefficient of u first.
    /// @param c A point of G1.
PARAMETER    function verifyProof(
        uint256[2] calldata a,
        uint256[2][2] calldata b,
        uint256[2] calldata c
    ) external view returns (bool) {
        if (msg.data.length != 4 + 32 * WORDS) return false;
        // Infinity is zeros to the precompiled contracts, and never part of a proof.
        if (a[0] | a[1] == 0 || c[0] | c[1] == 0) return false;
        if (b[0][0] | b[0][1] | b[1][0] | b[1][1] == 0) return false;
PUBLIC
        return isProductOne(
            [
                a[0], a[1], b[0][0], b[0][1], b[1][0], b[1][1],
                MINUS_ALPHA_X, MINUS_ALPHA_Y, BETA_X1, BETA_X0, BETA_Y1, BETA_Y0,
                sum[0], sum[1], MINUS_GAMMA_X1, MINUS_GAMMA_X0, MINUS_GAMMA_Y1, MINUS_GAMMA_Y0,
                c[0], c[1], MINUS_DELTA_X1, MINUS_DELTA_X0, MINUS_DELTA_Y1, MINUS_DELTA_Y0
            ]
        );
    }

"""

_SOLIDITY_SUM = """\
    /// sum + scalar * (x, y), for a point of the key.
    function plus(uint256[2] memory sum, uint256 x, uint256 y, uint256 scalar)
        private
        view
        returns (uint256[2] memory result)
    {
        uint256[3] memory product = [x, y, scalar];
        uint256[4] memory pair;
        bool isFine;
        assembly ("memory-safe") {
            isFine := staticcall(gas(), 7, product, 0x60, pair, 0x40)
        }
        require(isFine);
        (pair[2], pair[3]) = (sum[0], sum[1]);
        assembly ("memory-safe") {
            isFine := staticcall(gas(), 6, pair, 0x80, result, 0x40)
        }
        require(isFine);
    }

"""

_SOLIDITY_TAIL = """\
    /// Whether four pairings multiply to one; false where a point is not in its group.
    function isProductOne(uint256[24] memory pairs) private view returns (bool) {
        uint256[1] memory result;
        bool isFine;
        assembly ("memory-safe") {
            isFine := staticcall(gas(), 8, pairs, 0x300, result, 0x20)
        }
        return isFine && result[0] == 1;
    }
}
"""


def _solidity(key: VerifyingKey, name: str) -> str:
    count = key.statement_count
    constants = [
        f"    uint256 private constant {name_} =\n        {value};"
        for name_, value in _constants(key).items()
    ]
    public = [f"        if (input[{i}] >= R) return false;" for i in range(count)]
    public.append("        uint256[2] memory sum = [IC_0_X, IC_0_Y];")
    public += [
        f"        sum = plus(sum, IC_{i + 1}_X, IC_{i + 1}_Y, input[{i}]);" for i in range(count)
    ]
    head = (
        _SOLIDITY_HEAD.replace("NAME", name)
        .replace("CONSTANTS", "\n".join(constants))
        .replace("WORDS", str(8 + count))
        .replace("PUBLIC\n", "\n".join(public) + "\n")
    )
    if count:
        word = "    /// @param input The public values, outputs first.\n"
        head = head.replace("PARAMETER", word).replace(
            "uint256[2] calldata c\n",
            f"uint256[2] calldata c,\n        uint256[{count}] calldata input\n",
        )
    else:
        head = head.replace("PARAMETER", "")
    return head + (_SOLIDITY_SUM if count else "") + _SOLIDITY_TAIL


_VYPER = '''\
# pragma version ^0.4.0
# SPDX-License-Identifier: Apache-2.0
# Written by `numen export verifier`.
"""
@title NAME
@notice Checks Groth16 proofs over BN254 for one verifying key.
"""

# R is the order of the groups: public values are below it. The others are points of the key.
CONSTANTS

PAIRING: constant(address) = 0x0000000000000000000000000000000000000008


@external
@view
def verifyProof(PARAMETERS) -> bool:
    """
    @notice Whether a proof is true of the public values.
    @param a A point of G1.
    @param b A point of G2, in each coordinate the coefficient of u first.
    @param c A point of G1.
INPUT    """
    if len(msg.data) != 4 + 32 * WORDS:
        return False
    # Infinity is zeros to the precompiled contracts, and never part of a proof.
    if a[0] | a[1] == 0 or c[0] | c[1] == 0:
        return False
    if b[0][0] | b[0][1] | b[1][0] | b[1][1] == 0:
        return False
PUBLIC
    pairs: uint256[24] = [
        a[0], a[1], b[0][0], b[0][1], b[1][0], b[1][1],
        MINUS_ALPHA_X, MINUS_ALPHA_Y, BETA_X1, BETA_X0, BETA_Y1, BETA_Y0,
        total[0], total[1], MINUS_GAMMA_X1, MINUS_GAMMA_X0, MINUS_GAMMA_Y1, MINUS_GAMMA_Y0,
        c[0], c[1], MINUS_DELTA_X1, MINUS_DELTA_X0, MINUS_DELTA_Y1, MINUS_DELTA_Y0,
    ]
    # Fails where a point is not in its group.
    is_fine: bool = False
    result: Bytes[32] = b""
    is_fine, result = raw_call(
        PAIRING, abi_encode(pairs), max_outsize=32, is_static_call=True, revert_on_failure=False
    )
    return is_fine and len(result) == 32 and convert(result, uint256) == 1
'''


def _vyper(key: VerifyingKey, name: str) -> str:
    count = key.statement_count
    constants = [
        f"{name_}: constant(uint256) = (\n    {value}\n)"
        for name_, value in _constants(key).items()
    ]
    public = [f"    if input[{i}] >= R:\n        return False" for i in range(count)]
    public.append("    total: uint256[2] = [IC_0_X, IC_0_Y]")
    public += [
        f"    total = ecadd(total, ecmul([IC_{i + 1}_X, IC_{i + 1}_Y], input[{i}]))"
        for i in range(count)
    ]
    parameters = "a: uint256[2], b: uint256[2][2], c: uint256[2]"
    parameters += f", input: uint256[{count}]" if count else ""
    word = "    @param input The public values, outputs first.\n" if count else ""
    return (
        _VYPER.replace("NAME", name)
        .replace("CONSTANTS", "\n".join(constants))
        .replace("PARAMETERS", parameters)
        .replace("INPUT", word)
        .replace("WORDS", str(8 + count))
        .replace("PUBLIC\n", "\n".join(public) + "\n")
    )
