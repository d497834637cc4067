// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// Keeps ether until a time, and says why it does not give it.
contract Vault {
    uint256 public unlockTime;
    address payable public owner;
    mapping(address => uint256) public deposits;

    event Deposit(address indexed from, uint256 amount);
    event Withdrawal(uint256 amount, uint256 when);

    error TooEarly(uint256 secondsLeft);

    constructor(uint256 _unlockTime) payable {
        require(block.timestamp < _unlockTime, "Unlock time should be in the future");
        unlockTime = _unlockTime;
        owner = payable(msg.sender);
    }

    receive() external payable {
        deposits[msg.sender] += msg.value;
        emit Deposit(msg.sender, msg.value);
    }

    function withdraw() external {
        require(msg.sender == owner, "You aren't the owner");
        if (block.timestamp < unlockTime) revert TooEarly(unlockTime - block.timestamp);
        emit Withdrawal(address(this).balance, block.timestamp);
        owner.transfer(address(this).balance);
    }
}
