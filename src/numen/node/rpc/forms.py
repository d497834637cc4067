"""What methods take: calls and transactions, made-up accounts, queries of logs, tracers."""

from typing import Any, Final

import msgspec

from numen.evm.authority import Authorization
from numen.evm.transaction import Access
from numen.node.logs import LogQuery
from numen.node.rpc.faults import INVALID_PARAMS, RpcError
from numen.node.rpc.values import (
    Address,
    Addresses,
    BlockId,
    Data,
    Hash,
    Quantity,
    Topic,
    Word,
)
from numen.node.simulate import Call, Override
from numen.node.surface import Node

OVERRIDES_MAX: Final = 1_000
"""Most accounts that a call makes up."""


class AccessForm(msgspec.Struct, rename="camel"):
    """An account of an access list, and slots of it."""

    address: Address
    storage_keys: list[Word] = []


class AuthorizationForm(msgspec.Struct, rename="camel"):
    """A delegation (EIP-7702)."""

    chain_id: Quantity
    address: Address
    nonce: Quantity
    r: Quantity
    s: Quantity
    y_parity: Quantity | None = None
    v: Quantity | None = None

    def read(self) -> Authorization:
        """The delegation."""
        parity = self.y_parity if self.y_parity is not None else self.v
        return Authorization(
            self.chain_id, self.address, self.nonce, int(parity or 0), self.r, self.s
        )


class TransactionForm(msgspec.Struct, rename="camel", kw_only=True):
    """A call, or a transaction; what is left out is chosen, and unknown fields are passed over."""

    sender: Address | None = msgspec.field(default=None, name="from")
    to: Address | None = None
    gas: Quantity | None = None
    gas_price: Quantity | None = None
    max_fee_per_gas: Quantity | None = None
    max_priority_fee_per_gas: Quantity | None = None
    max_fee_per_blob_gas: Quantity | None = None
    value: Quantity | None = None
    nonce: Quantity | None = None
    input: Data | None = None
    data: Data | None = None
    chain_id: Quantity | None = None
    access_list: list[AccessForm] | None = None
    blob_versioned_hashes: list[Hash] | None = None
    authorization_list: list[AuthorizationForm] | None = None

    def payload(self) -> bytes:
        """Its input.

        Raises:
            RpcError: It has two different ones.
        """
        if self.input is not None and self.data is not None and self.input != self.data:
            raise RpcError(INVALID_PARAMS, 'both "data" and "input" are set and not equal')
        return self.data or self.input or b""

    def accesses(self) -> tuple[Access, ...]:
        """Its access list."""
        if not self.access_list:
            return ()
        return tuple(Access(a.address, tuple(a.storage_keys)) for a in self.access_list)

    def check_fees(self) -> None:
        """Refuse a price of both kinds.

        Raises:
            RpcError: It has one.
        """
        has_market = self.max_fee_per_gas is not None or self.max_priority_fee_per_gas is not None
        if self.gas_price is not None and has_market:
            message = "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified"
            raise RpcError(INVALID_PARAMS, message)

    def call(self) -> Call:
        """Read it as a call.

        Raises:
            RpcError: It contradicts itself.
        """
        self.check_fees()
        price = self.gas_price if self.gas_price is not None else self.max_fee_per_gas
        return Call(
            caller=self.sender or bytes(20),
            to=self.to,
            value=self.value or 0,
            data=self.payload(),
            gas=self.gas,
            gas_price=price or 0,
            access_list=self.accesses(),
            blob_hashes=tuple(self.blob_versioned_hashes or ()),
            authorizations=(
                tuple(a.read() for a in self.authorization_list) if self.authorization_list else ()
            ),
        )


class OverrideForm(msgspec.Struct, rename="camel"):
    """What an account is to be for one call."""

    balance: Quantity | None = None
    nonce: Quantity | None = None
    code: Data | None = None
    state: dict[str, Word] | None = None
    state_diff: dict[str, Word] | None = None

    def read(self) -> Override:
        """The made-up account.

        Raises:
            RpcError: A key is none, or it gives its storage twice.
        """
        if self.state is not None and self.state_diff is not None:
            raise RpcError(INVALID_PARAMS, "an account has both state and stateDiff")
        return Override(
            self.balance,
            self.nonce,
            self.code,
            None if self.state is None else _slots(self.state),
            _slots(self.state_diff or {}),
        )


def _slots(form: dict[str, Word]) -> dict[int, int]:
    return {_key(Word, key): word for key, word in form.items()}


def _key(kind: Any, text: str) -> Any:
    """Read the key of an object."""
    try:
        return kind.read(text)
    except ValueError as error:
        raise RpcError(INVALID_PARAMS, f"invalid params: {error}") from None


Overrides = dict[str, OverrideForm]
"""Made-up accounts by address."""


def overrides(forms: Overrides | None) -> dict[bytes, Override]:
    """Read made-up accounts.

    Raises:
        RpcError: There are too many, or an address is none.
    """
    if not forms:
        return {}
    if len(forms) > OVERRIDES_MAX:
        raise RpcError(INVALID_PARAMS, f"more than {OVERRIDES_MAX} accounts are made up")
    return {_key(Address, address): form.read() for address, form in forms.items()}


class BlockForm(msgspec.Struct, rename="camel"):
    """What a call sees of its block, where it is not to be the real one."""

    number: Quantity | None = None
    time: Quantity | None = None
    gas_limit: Quantity | None = None
    fee_recipient: Address | None = None
    prev_randao: Word | None = None
    base_fee_per_gas: Quantity | None = None
    blob_base_fee: Quantity | None = None

    def changes(self) -> dict[str, Any]:
        """The fields of a `Block` that it changes."""
        found = {
            "number": self.number,
            "timestamp": self.time,
            "gas_limit": self.gas_limit,
            "coinbase": self.fee_recipient,
            "prev_randao": self.prev_randao,
            "base_fee": self.base_fee_per_gas,
            "blob_base_fee": self.blob_base_fee,
        }
        return {name: value for name, value in found.items() if value is not None}


class LogForm(msgspec.Struct, rename="camel", kw_only=True):
    """Which logs are wanted: of a block by its hash, or of a range of them."""

    from_block: BlockId | None = None
    to_block: BlockId | None = None
    block_hash: Hash | None = None
    address: Addresses | None = None
    topics: list[Topic] | None = None

    def query(self) -> LogQuery:
        """What a log has to be.

        Raises:
            RpcError: It names more topics than a log has.
        """
        topics = tuple(self.topics or ())
        if len(topics) > 4:
            raise RpcError(INVALID_PARAMS, "a log has at most 4 topics")
        return LogQuery(tuple(self.address or ()), topics)

    def bounds(self, node: Node) -> tuple[int, int]:
        """The first and the last block.

        Raises:
            RpcError: They contradict each other, or the block of a hash is not there.
        """
        if self.block_hash is not None:
            if self.from_block is not None or self.to_block is not None:
                message = "cannot specify both blockHash and fromBlock/toBlock"
                raise RpcError(INVALID_PARAMS, message)
            found = node.chain.by_hash(self.block_hash)
            if found is None:
                raise RpcError(-32000, "unknown block")
            return found.number, found.number
        last = node.chain.latest.number
        first, end = (_number(each, last) for each in (self.from_block, self.to_block))
        if first > end:
            raise RpcError(INVALID_PARAMS, "invalid block range params")
        return first, min(end, last)


def _number(block: BlockId | None, last: int) -> int:
    """The number of a block of a range."""
    if block is None or block.tag not in ("", "earliest"):
        return last
    return 0 if block.tag else block.number or 0


class TracerConfig(msgspec.Struct, rename="camel"):
    """What callTracer and prestateTracer are told."""

    only_top_call: bool = False
    with_log: bool = False
    diff_mode: bool = False
    disable_code: bool = False
    disable_storage: bool = False


class TraceForm(msgspec.Struct, rename="camel"):
    """How a run is traced, as geth has it."""

    tracer: str | None = None
    tracer_config: TracerConfig = msgspec.field(default_factory=TracerConfig)
    disable_stack: bool = False
    disable_storage: bool = False
    enable_memory: bool = False
    disable_memory: bool | None = None
    enable_return_data: bool = False
    limit: int = 0
    timeout: str | None = None
    state_overrides: Overrides | None = None
    block_overrides: BlockForm | None = None
