# pragma version ~=0.4.3
# pragma evm-version cancun
"""
@title Lottery tickets of Numen's market, redeemed
@notice Holds what payers deposit, and pays winning tickets: from the deposit first, then from the
        payee's part of a reserve that is split evenly among the payees of the round. A ticket is
        paid whole or not at all, once, to its recipient, within three rounds of its making.
        The rules are those of numen/market/escrow.py; the source of both is Livepeer's
        TicketBroker (livepeer/protocol, contracts/pm).
"""

event Funded:
    payer: indexed(address)
    deposit: uint256
    reserve: uint256

event Paid:
    payer: indexed(address)
    payee: indexed(address)
    nonces: uint256
    amount: uint256

event Round:
    number: indexed(uint256)
    hash: bytes32
    pool: uint256

event Unlocking:
    payer: indexed(address)
    until: uint256

event Withdrawn:
    payer: indexed(address)
    amount: uint256

BATCH_MAX: constant(uint256) = 256
VALIDITY_ROUNDS: constant(uint256) = 2
UNLOCK_ROUNDS: constant(uint256) = 3
HALF: constant(uint256) = 2**128 - 1
HALF_ORDER: constant(uint256) = 57896044618658097711785492504343953926418782139537452191302581570759080747168     # of secp256k1: a higher s is a second form (EIP-2)
TICKET: constant(bytes32) = keccak256("Ticket(address recipient,address sender,uint256 faceValue,uint256 winProb,uint256 senderNonce,bytes32 recipientRandHash,uint256 creationRound,bytes32 creationRoundHash)")

separator: public(immutable(bytes32))
round_blocks: public(immutable(uint256))
bond: public(immutable(uint256))

round: public(uint256)
began: public(uint256)
pool: public(uint256)
joining: uint256
leaving: uint256
hashes: public(HashMap[uint256, bytes32])
funds: HashMap[address, uint256]                       # reserve << 128 | deposit
unlocking: public(HashMap[address, uint256])
claims: HashMap[address, uint256]                      # round << 128 | coins of all payees
claimed: HashMap[address, HashMap[address, uint256]]   # round << 128 | coins of one payee
marks: public(HashMap[bytes32, uint256])
joined: public(HashMap[address, uint256])              # first round in the pool
left: public(HashMap[address, uint256])                # first round not in it any more

@deploy
def __init__(round_blocks_: uint256, bond_: uint256):
    """
    @param round_blocks_ Blocks of a round, 1 to 256.
    @param bond_ What a payee leaves while it is in the pool, so that pools are not diluted for free.
    """
    assert 0 < round_blocks_ and round_blocks_ <= 256, "a round has 1 to 256 blocks"
    round_blocks = round_blocks_
    bond = bond_
    separator = keccak256(abi_encode(
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
        keccak256("Numen"), keccak256("1"), chain.id, self))

@external
def begin_round():
    """
    @notice Begin the next round, if the present one is over. Anybody may.
    """
    assert self.round == 0 or block.number >= self.began + round_blocks, "the round is not over"
    self.round += 1
    self.began = block.number
    self.pool = self.pool + self.joining - self.leaving
    self.joining = 0
    self.leaving = 0
    # Of the block before: nobody knew it when the round before began.
    seal: bytes32 = keccak256(concat(blockhash(block.number - 1), convert(self.round, bytes32)))
    self.hashes[self.round] = seal
    log Round(number=self.round, hash=seal, pool=self.pool)

@external
@payable
def enroll():
    """
    @notice Join the payees of the rounds to come.
    """
    assert msg.value == bond, "the bond is to be paid"
    assert self.joined[msg.sender] == 0, "enrolled already"
    self.joined[msg.sender] = self.round + 1
    self.joining += 1

@external
def leave():
    """
    @notice Leave the payees of the rounds to come; `reclaim` gives the bond back later.
    """
    assert self.joined[msg.sender] != 0 and self.joined[msg.sender] <= self.round, "not in the pool"
    assert self.left[msg.sender] == 0, "leaving already"
    self.left[msg.sender] = self.round + 1
    self.leaving += 1

@external
def reclaim():
    """
    @notice Take the bond back, rounds after leaving.
    """
    assert self.left[msg.sender] != 0, "not leaving"
    assert self.round >= self.left[msg.sender] + UNLOCK_ROUNDS, "too early"
    self.joined[msg.sender] = 0
    self.left[msg.sender] = 0
    raw_call(msg.sender, b"", value=bond)

@external
@payable
def fund(payer: address, deposit: uint256, reserve: uint256):
    """
    @notice Add to a payer's deposit and reserve. A payer that funds itself locks its money again.
    """
    assert deposit <= HALF and reserve <= HALF and deposit + reserve == msg.value, "not what was sent"
    word: uint256 = self.funds[payer]
    self.funds[payer] = (((word >> 128) + reserve) << 128) | ((word & HALF) + deposit)
    assert (word & HALF) + deposit <= HALF and (word >> 128) + reserve <= HALF, "too much"
    if msg.sender == payer:
        self.unlocking[payer] = 0
    log Funded(payer=payer, deposit=deposit, reserve=reserve)

@external
def unlock():
    """
    @notice Ask for one's money; payees stop taking tickets from then on.
    """
    assert self.unlocking[msg.sender] == 0, "asked already"
    self.unlocking[msg.sender] = self.round + UNLOCK_ROUNDS
    log Unlocking(payer=msg.sender, until=self.round + UNLOCK_ROUNDS)

@external
def lock():
    """
    @notice Take the asking back.
    """
    self.unlocking[msg.sender] = 0

@external
def withdraw():
    """
    @notice Take one's money out, when every ticket has expired.
    """
    until: uint256 = self.unlocking[msg.sender]
    assert until != 0 and self.round >= until, "too early"
    word: uint256 = self.funds[msg.sender]
    self.funds[msg.sender] = 0
    self.unlocking[msg.sender] = 0
    amount: uint256 = (word >> 128) + (word & HALF)
    log Withdrawn(payer=msg.sender, amount=amount)
    raw_call(msg.sender, b"", value=amount)

@external
@view
def deposit_of(payer: address) -> uint256:
    return self.funds[payer] & HALF

@external
@view
def reserve_of(payer: address) -> uint256:
    return self.funds[payer] >> 128

@external
@view
def claimable(payer: address, payee: address) -> uint256:
    """
    @notice What is left of a payee's part of a payer's reserve in this round.
    """
    return self._claimable(payer, payee, self.funds[payer] >> 128)

@external
def redeem(
    payer: address, payee: address, face: uint256, win_prob: uint256, rand: bytes32, round_: uint256,
    nonces: Bytes[BATCH_MAX], signatures: Bytes[65 * BATCH_MAX]
) -> uint256:
    """
    @notice Pay the winners among tickets of one secret. Those that lost, were paid before, are not
            signed by the payer or not covered are passed over, and stay unpaid.
    @param nonces A byte for each ticket.
    @param signatures 65 bytes for each, r, s, v.
    @return Which nonces were paid, a bit for each.
    """
    assert len(signatures) == 65 * len(nonces), "a signature for each nonce"
    seal: bytes32 = self.hashes[round_]
    assert seal != empty(bytes32), "no such round"
    assert self.round <= round_ + VALIDITY_ROUNDS, "expired"
    until: uint256 = self.unlocking[payer]
    assert until == 0 or self.round < until, "unlocked"
    assert payer != empty(address), "no payer"
    rand_hash: bytes32 = keccak256(rand)
    key: bytes32 = keccak256(abi_encode(payer, payee, rand_hash))
    before: uint256 = self.marks[key]
    paid: uint256 = 0
    word: uint256 = self.funds[payer]
    sure: uint256 = self._claimable(payer, payee, word >> 128)
    left: uint256 = (word & HALF) + sure
    amount: uint256 = 0
    for at: uint256 in range(len(nonces), bound=BATCH_MAX):
        nonce: uint256 = convert(slice(nonces, at, 1), uint256)
        bit: uint256 = 1 << nonce
        if (before | paid) & bit != 0 or amount + face > left:
            continue
        signature: Bytes[65] = slice(signatures, 65 * at, 65)
        # The draw costs a hash, the signature a hundred times that.
        if convert(keccak256(concat(signature, rand)), uint256) >= win_prob:
            continue
        s: uint256 = convert(extract32(signature, 32), uint256)
        v: uint256 = convert(slice(signature, 64, 1), uint256)
        if s > HALF_ORDER or (v != 27 and v != 28):
            continue
        digest: bytes32 = keccak256(concat(b"\x19\x01", separator, keccak256(abi_encode(
            TICKET, payee, payer, face, win_prob, nonce, rand_hash, round_, seal))))
        if ecrecover(digest, v, convert(extract32(signature, 0), uint256), s) != payer:
            continue
        paid |= bit
        amount += face
    if paid == 0:
        return 0
    self.marks[key] = before | paid
    deposit: uint256 = word & HALF
    from_reserve: uint256 = 0
    if amount > deposit:
        from_reserve = amount - deposit
        self._claim(payer, payee, from_reserve)
    self.funds[payer] = (((word >> 128) - from_reserve) << 128) | (deposit - (amount - from_reserve))
    log Paid(payer=payer, payee=payee, nonces=paid, amount=amount)
    raw_call(payee, b"", value=amount)
    return paid

@internal
@view
def _claimable(payer: address, payee: address, reserve: uint256) -> uint256:
    start: uint256 = self.joined[payee]
    end: uint256 = self.left[payee]
    if reserve == 0 or start == 0 or start > self.round or (end != 0 and end <= self.round):
        return 0
    part: uint256 = (reserve + self._this_round(self.claims[payer])) // self.pool
    taken: uint256 = self._this_round(self.claimed[payer][payee])
    return min(part - min(taken, part), reserve)

@internal
@view
def _this_round(word: uint256) -> uint256:
    return word & HALF if word >> 128 == self.round else 0

@internal
def _claim(payer: address, payee: address, amount: uint256):
    seal: uint256 = self.round << 128
    self.claims[payer] = seal | (self._this_round(self.claims[payer]) + amount)
    self.claimed[payer][payee] = seal | (self._this_round(self.claimed[payer][payee]) + amount)
