"""The numbers of the curve BN254 (alt_bn128), over which Numen proves.

    G1:  y**2 = x**3 + 3                 over Fq
    G2:  y**2 = x**3 + 3 / (9 + u)       over Fq2 = Fq[u] / (u**2 + 1)

Both have the prime order FR. Source: EIP-196 and EIP-197.
"""

from numen.kernels.montgomery import Field

FQ = Field("fq", 21888242871839275222246405745257275088696311157297823662689037894645226208583)
"""The field of the coordinates."""

FR = Field("fr", 21888242871839275222246405745257275088548364400416034343698204186575808495617)
"""The field of the scalars: the order of the groups."""

TWO_ADICITY = 28
"""2**28 divides FR.prime - 1, and 2**29 does not."""

ROOT_OF_UNITY = pow(5, (FR.prime - 1) >> TWO_ADICITY, FR.prime)
"""A primitive 2**28-th root of unity of FR: a power of 5, which generates the whole group."""

GENERATOR_G1 = (1, 2)

GENERATOR_G2 = (
    (
        10857046999023057135944570762232829481370756359578518086990519993285655852781,
        11559732032986387107991004021392285783925812861821192530917403151452391805634,
    ),
    (
        8495653923123431417604973247489272438418190587263600148770280649306958101930,
        4082367875863433681332203403145435568316851327593401208105741076214120093531,
    ),
)
"""Coordinates as (constant, coefficient of u)."""

CONSTANT_G1 = (3,)
"""The constant of the equation of G1."""

CONSTANT_G2 = (
    27 * pow(82, -1, FQ.prime) % FQ.prime,
    -3 * pow(82, -1, FQ.prime) % FQ.prime,
)
"""3 / (9 + u) = (27 - 3u) / 82, the constant of the equation of G2."""
