"""ERC-721: things that are not alike, each with one owner, as EIP-721 has them."""

from numen import address, contract, emit, error, event, indexed, map, message, view


@event
class Transfer:
    owner: indexed[address]
    to: indexed[address]
    token: indexed[u256]


@event
class Approval:
    owner: indexed[address]
    spender: indexed[address]
    token: indexed[u256]


@event
class ApprovalForAll:
    owner: indexed[address]
    operator: indexed[address]
    approved: bool


@error
class NoSuchToken:
    token: u256


@error
class NotAllowed:
    caller: address
    token: u256


NOBODY: u256 = 0


@contract
class Erc721:
    minter: address
    owners: map[u256, address]
    balances: map[address, u256]
    approved: map[u256, address]
    operators: map[address, map[address, bool]]

    def __init__(self):
        self.minter = self.sender

    @view
    def balanceOf(self, owner: address) -> u256:
        assert owner.word != NOBODY, "nobody owns nothing"
        return self.balances[owner]

    @view
    def ownerOf(self, token: u256) -> address:
        return self.holder(token)

    @view
    def getApproved(self, token: u256) -> address:
        self.holder(token)
        return self.approved[token]

    @view
    def isApprovedForAll(self, owner: address, operator: address) -> bool:
        return self.operators[owner][operator]

    @message
    def mint(self, to: address, token: u256):
        assert self.sender == self.minter, "only the minter mints"
        assert to.word != NOBODY, "to nobody"
        assert self.owners[token].word == NOBODY, "minted already"
        self.give(address(NOBODY), to, token)

    @message
    def approve(self, spender: address, token: u256):
        owner = self.holder(token)
        if self.sender != owner and not self.operators[owner][self.sender]:
            raise NotAllowed(self.sender, token)
        self.approved[token] = spender
        emit(Approval(owner, spender, token))

    @message
    def setApprovalForAll(self, operator: address, approved: bool):
        self.operators[self.sender][operator] = approved
        emit(ApprovalForAll(self.sender, operator, approved))

    @message
    def transferFrom(self, owner: address, to: address, token: u256):
        assert self.holder(token) == owner, "of another owner"
        assert to.word != NOBODY, "to nobody"
        is_owner = self.sender == owner
        is_approved = self.approved[token] == self.sender
        if not is_owner and not is_approved and not self.operators[owner][self.sender]:
            raise NotAllowed(self.sender, token)
        del self.approved[token]
        self.give(owner, to, token)

    def holder(self, token: u256) -> address:
        owner = self.owners[token]
        if owner.word == NOBODY:
            raise NoSuchToken(token)
        return owner

    def give(self, owner: address, to: address, token: u256):
        if owner.word != NOBODY:
            self.balances[owner] -= 1
        self.owners[token] = to
        self.balances[to] += 1
        emit(Transfer(owner, to, token))
