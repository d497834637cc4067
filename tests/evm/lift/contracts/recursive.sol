// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// A function that calls itself, which the lifter refuses.
contract Recursive {
    function factorial(uint256 n) external pure returns (uint256) {
        return n < 2 ? 1 : down(n);
    }

    function down(uint256 n) internal pure returns (uint256) {
        return n < 2 ? 1 : n * down(n - 1);
    }
}
