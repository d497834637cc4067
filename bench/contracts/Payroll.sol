// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

interface IToken {
    function transfer(address to, uint256 value) external returns (bool);
    function balanceOf(address owner) external view returns (uint256);
}

/// Pays many receivers in one transaction, as token senders do.
contract Payroll {
    error Unpaid(uint256 index);

    /// Pays `amount` to each of `count` addresses counted from `first`.
    function pay(IToken token, uint160 first, uint256 count, uint256 amount) external returns (uint256 left) {
        for (uint256 i = 0; i < count; ++i) {
            if (!token.transfer(address(first + uint160(i)), amount)) revert Unpaid(i);
        }
        return token.balanceOf(address(this));
    }
}
