"""ERC-20: a token, as EIP-20 has it."""

from numen import address, contract, emit, error, event, indexed, map, message, view


@event
class Transfer:
    sender: indexed[address]
    to: indexed[address]
    amount: u128


@event
class Approval:
    owner: indexed[address]
    spender: indexed[address]
    amount: u128


@error
class Insufficient:
    available: u128
    wanted: u128


@contract
class Erc20:
    total: u128
    balances: map[address, u128]
    allowances: map[address, map[address, u128]]

    def __init__(self, supply: u128):
        self.total = supply
        self.balances[self.sender] = supply
        emit(Transfer(address(0), self.sender, supply))

    @view
    def name(self) -> str[32]:
        return "Coin of the examples"

    @view
    def symbol(self) -> str[8]:
        return "COIN"

    @view
    def decimals(self) -> u8:
        return 18

    @view
    def totalSupply(self) -> u128:
        return self.total

    @view
    def balanceOf(self, owner: address) -> u128:
        return self.balances[owner]

    @view
    def allowance(self, owner: address, spender: address) -> u128:
        return self.allowances[owner][spender]

    @message
    def transfer(self, to: address, amount: u128) -> bool:
        self.move(self.sender, to, amount)
        return True

    @message
    def approve(self, spender: address, amount: u128) -> bool:
        self.allowances[self.sender][spender] = amount
        emit(Approval(self.sender, spender, amount))
        return True

    @message
    def transferFrom(self, owner: address, to: address, amount: u128) -> bool:
        allowed = self.allowances[owner][self.sender]
        if allowed < amount:
            raise Insufficient(allowed, amount)
        self.allowances[owner][self.sender] = allowed - amount
        self.move(owner, to, amount)
        return True

    def move(self, owner: address, to: address, amount: u128):
        available = self.balances[owner]
        if available < amount:
            raise Insufficient(available, amount)
        self.balances[owner] = available - amount
        self.balances[to] += amount
        emit(Transfer(owner, to, amount))
