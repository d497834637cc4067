// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// A wallet with one owner, as factories hand them out.
contract Wallet {
    address public owner;
    uint256 public immutable number;

    event OwnerChanged(address indexed from, address indexed to);

    error NotOwner(address caller);
    error Failed(bytes reason);

    constructor(address owner_, uint256 number_) payable {
        owner = owner_;
        number = number_;
        emit OwnerChanged(address(0), owner_);
    }

    receive() external payable {}

    function give(address to) external {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        emit OwnerChanged(owner, to);
        owner = to;
    }

    function execute(address to, uint256 value, bytes calldata data) external returns (bytes memory answer) {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        bool done;
        (done, answer) = to.call{value: value}(data);
        if (!done) revert Failed(answer);
    }
}

/// Makes wallets: every other one at an address known before.
contract Factory {
    mapping(uint256 => address) public wallets;
    uint256 public count;

    event Made(uint256 indexed number, address wallet);

    function make(uint256 many) external returns (address last) {
        uint256 first = count;
        for (uint256 i = first; i < first + many; ++i) {
            address owner = address(uint160(i + 1));
            Wallet wallet = i % 2 == 0 ? new Wallet(owner, i) : new Wallet{salt: bytes32(i)}(owner, i);
            last = address(wallet);
            wallets[i] = last;
            emit Made(i, last);
        }
        count = first + many;
    }
}
