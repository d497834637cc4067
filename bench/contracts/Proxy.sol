// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// An upgradeable proxy: every call runs the implementation's code on this contract's storage.
/// The two slots are those of EIP-1967.
contract Proxy {
    bytes32 private constant IMPLEMENTATION = bytes32(uint256(keccak256("eip1967.proxy.implementation")) - 1);
    bytes32 private constant ADMIN = bytes32(uint256(keccak256("eip1967.proxy.admin")) - 1);

    event Upgraded(address indexed implementation);
    event AdminChanged(address previousAdmin, address newAdmin);

    error NotAContract(address implementation);
    error NotAdmin(address caller);

    constructor(address implementation, bytes memory setup) payable {
        write(ADMIN, msg.sender);
        emit AdminChanged(address(0), msg.sender);
        upgrade(implementation);
        if (setup.length > 0) {
            (bool done, bytes memory reason) = implementation.delegatecall(setup);
            if (!done) {
                assembly {
                    revert(add(reason, 32), mload(reason))
                }
            }
        }
    }

    /// Selector 0x3659cfe6, as wallets and explorers know it; everybody else's call is forwarded.
    function upgradeTo(address implementation) external {
        if (msg.sender != read(ADMIN)) forward();
        upgrade(implementation);
    }

    fallback() external payable {
        forward();
    }

    receive() external payable {
        forward();
    }

    function upgrade(address implementation) private {
        if (implementation.code.length == 0) revert NotAContract(implementation);
        write(IMPLEMENTATION, implementation);
        emit Upgraded(implementation);
    }

    function forward() private {
        address implementation = read(IMPLEMENTATION);
        assembly {
            calldatacopy(0, 0, calldatasize())
            let done := delegatecall(gas(), implementation, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            switch done
            case 0 { revert(0, returndatasize()) }
            default { return(0, returndatasize()) }
        }
    }

    function read(bytes32 slot) private view returns (address value) {
        assembly {
            value := sload(slot)
        }
    }

    function write(bytes32 slot, address value) private {
        assembly {
            sstore(slot, value)
        }
    }
}
