// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

interface IAuction {
    function bid(address bidder) external payable;
    function highest_bid() external view returns (uint256);
}

/// Bids for many people, who each look at the price first; every fourth is stingy and fails.
contract Crowd {
    event Refused(address indexed bidder, string reason);

    receive() external payable {}

    function bid(IAuction auction, uint256 count) external payable returns (uint256 accepted) {
        for (uint256 i = 0; i < count; ++i) {
            address bidder = address(uint160(0x100000 + (i % 500)));
            uint256 price = auction.highest_bid();
            uint256 offer = price == 0 ? 1 ether : i % 4 == 3 ? price : price + price / 1000 + 1;
            try auction.bid{value: offer}(bidder) {
                ++accepted;
            } catch Error(string memory reason) {
                emit Refused(bidder, reason);
            }
        }
    }
}
