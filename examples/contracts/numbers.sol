// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// Compiled to numbers.hex: solc 0.8.30, optimizer on, 200 runs, runtime code without metadata.
contract Numbers {
    function mean(uint256 a, uint256 b) external pure returns (uint256) {
        return (a + b) / 2;
    }

    function gcd(uint256 a, uint256 b) external pure returns (uint256) {
        while (b != 0) (a, b) = (b, a % b);
        return a;
    }

    function clamp(int256 x, int256[2] calldata bounds) external pure returns (int256) {
        require(bounds[0] <= bounds[1], "no room");
        return x < bounds[0] ? bounds[0] : x > bounds[1] ? bounds[1] : x;
    }

    function digest(uint256 a) external pure returns (bytes32) {
        return keccak256(abi.encode(a));
    }
}
