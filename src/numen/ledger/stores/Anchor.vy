# pragma version ~=0.4.3
# pragma evm-version cancun
"""
@title Roots of Numen's state, anchored
@notice Keeps, for each height, the digest of a state root and of the name of what it is the root
        of. Only who deployed it may write, heights only grow, and nothing is written twice.
"""

event Anchored:
    height: indexed(uint64)
    root: bytes32
    content: Bytes[36]

height: public(uint64)                         # slot 0
anchors: public(HashMap[uint64, bytes32])      # slot 1
publisher: public(immutable(address))

@deploy
def __init__():
    publisher = msg.sender

@external
def anchor(height: uint64, root: bytes32, content: Bytes[36]):
    """
    @notice Anchor the state of a height.
    @param height Above all anchored before.
    @param root Root of the state.
    @param content Name of the state's bytes, a CIDv1 of 36 bytes.
    """
    assert msg.sender == publisher, "only the publisher anchors"
    assert height > self.height, "heights only grow"
    assert len(content) == 36, "a name has 36 bytes"
    self.height = height
    self.anchors[height] = keccak256(concat(root, content))
    log Anchored(height=height, root=root, content=content)
