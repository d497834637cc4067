// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// One link of a chain of contracts: does a little work and asks the next for the rest.
contract Link {
    Link public immutable next;
    uint256 public visits;

    constructor(Link next_) {
        next = next_;
    }

    /// Passes `seed` down the chain; the answer is folded on the way back.
    function pass(uint256 seed) external returns (uint256 sum) {
        unchecked {
            visits += 1;
            sum = uint256(keccak256(abi.encode(seed, address(this))));
            if (address(next) != address(0)) sum += next.pass(sum);
        }
    }
}
