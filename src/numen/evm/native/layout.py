"""What lies where in the memory that native code and Python share.

Every structure is a `Record`: a table of its fields, from which both sides take the offsets.
Words are little-endian, addresses of accounts are words too (20 bytes read as a big-endian
number, as they lie on the stack), truths are i64 0 or 1.

*Epochs* are counters: something holds in this transaction if its epoch is the World's, so nothing
has to be cleared when the next transaction starts. A *generation* does the same for the storage of
an account.
"""

import ctypes
from typing import Final

from numen.kernels.llvm import Function, Value, bits_of

STACK_LIMIT: Final = 1024
"""Most words on a frame's stack (yellow paper, 9.1)."""

WINDOW_BYTES: Final = 1 << 16
"""A frame's stack begins at a multiple of this, so a stack pointer tells its own height."""

DEPTH_LIMIT: Final = 1024
"""Depth of the deepest frame; frames 0 to 1024 exist (yellow paper, 9.3)."""

CODE_PADDING_BYTES: Final = 64
"""Zero bytes after every code: running off the end is STOP, and immediates may be read."""

PAGE_BYTES: Final = 4096
"""Processors take a load for one of what was just stored where the places in their pages agree.

A stack begins at a page, and what is read all the time keeps away from its first words: short loops
take twice as long otherwise. So Frames and memories have their own places in a page."""

FRAME_PLACE: Final = 0xC00
"""Where in a page each Frame begins; a Frame has a page of its own."""

MEMORY_PLACE: Final = 0x800
"""Where in a page the memory of a frame begins; a child's is behind its parent's end."""

CALLDATA_PADDING_BYTES: Final = 32
"""Readable bytes behind calldata, return data and code, so that a word may be read at its end."""

REGION_BYTES: Final = 16
"""Size of an entry of a code's region table: pointer of the region, i64 heat in gas."""

MEMO_ENTRIES: Final = 4096
"""Entries that the direct-mapped memory of Keccak-256 digests grows to."""

MEMO_ENTRIES_FIRST: Final = 32
"""Entries that it begins with: a page."""


_ALIAS = "record"
"""Alias class of all fields: they overlap neither memory nor stacks of frames."""


def _size(type_: str) -> int:
    if type_ == "ptr":
        return 8
    if type_[0] == "[":
        count, element = type_[1:-1].split(" x ", 1)
        return int(count) * _size(element)
    return bits_of(type_) // 8


def _alignment(type_: str) -> int:
    element = type_[1:-1].split(" x ", 1)[1] if type_[0] == "[" else type_
    return min(_size(element), 16)


class Record:
    """A structure in shared memory.

    Attributes:
        name: For messages.
        size_bytes: A multiple of 64.
    """

    def __init__(
        self, name: str, rows: tuple[tuple[str, str, str], ...], *, multiple: int = 64
    ) -> None:
        """Place the fields in the given order.

        Args:
            name: Of the structure.
            rows: Field name, LLVM type, meaning.
            multiple: What its size is a multiple of.
        """
        self.name = name
        self.rows = rows
        self._fields: dict[str, tuple[str, int]] = {}
        self._places: dict[str, tuple[int, int]] = {}
        end = 0
        for field, type_, _ in rows:
            assert field not in self._fields, f"{name}.{field} is there twice"
            end = -(-end // _alignment(type_)) * _alignment(type_)
            self._fields[field] = type_, end
            self._places[field] = end, _size(type_)
            end += _size(type_)
        self.size_bytes = -(-end // multiple) * multiple

    def __contains__(self, field: str) -> bool:
        return field in self._fields

    def type(self, field: str) -> str:
        """LLVM type of a field."""
        return self._fields[field][0]

    def offset(self, field: str) -> int:
        """Bytes from the beginning of the structure."""
        return self._fields[field][1]

    def at(self, f: Function, pointer: Value, field: str) -> Value:
        """Emit the address of a field."""
        return f.gep("i8", pointer, self.offset(field))

    def load(self, f: Function, pointer: Value, field: str, *, is_fixed: bool = False) -> Value:
        """Emit reading a field.

        Args:
            f: Function being written.
            pointer: The structure.
            field: Name of the field.
            is_fixed: Whether nothing that this function does or calls may change it.
        """
        type_ = self.type(field)
        return f.load(
            type_, self.at(f, pointer, field), _alignment(type_), is_fixed=is_fixed, alias=_ALIAS
        )

    def store(self, f: Function, pointer: Value, field: str, value: Value) -> None:
        """Emit writing a field."""
        type_ = self.type(field)
        assert value.type == type_, f"{self.name}.{field} is {type_}, not {value}"
        f.store(value, self.at(f, pointer, field), _alignment(type_), alias=_ALIAS)

    def read(self, address: int, field: str) -> int:
        """Read an integer field from Python; unsigned."""
        offset, size = self._places[field]
        return int.from_bytes(ctypes.string_at(address + offset, size), "little")

    def write(self, address: int, field: str, value: int) -> None:
        """Write an integer field from Python; taken modulo its width."""
        offset, size = self._places[field]
        data = (value & ((1 << (8 * size)) - 1)).to_bytes(size, "little")
        ctypes.memmove(address + offset, data, size)


# fmt: off
FRAME: Final = Record("Frame", (
    # The registers, as they are while a frame sleeps or before it starts; see `convention`.
    ("pc",              "ptr",  "the instruction to go on with, in the code's bytes"),
    ("sp",              "ptr",  "one past the top of the stack"),
    ("gas",             "i64",  "gas left, never negative while the frame sleeps"),
    ("memory",          "ptr",  "first byte of this frame's memory"),
    ("msize",           "i64",  "bytes of memory in use, a multiple of 32"),
    # Fixed while the frame lives.
    ("world",           "ptr",  "the World"),
    ("code",            "ptr",  "bytes of the code that runs"),
    ("code_length",     "i64",  "its bytes without the padding"),
    ("jumps",           "ptr",  "its jump map: a byte for each pc, 1 at a valid JUMPDEST"),
    ("regions",         "ptr",  "its region table; null while it is cold, and if it stays so"),
    ("code_entry",      "ptr",  "the Code"),
    ("account",         "ptr",  "the Account whose storage the code uses"),
    ("calldata",        "ptr",  "first byte of the input; padded as CALLDATA_PADDING_BYTES says"),
    ("calldata_length", "i64",  "its bytes"),
    ("address",         "i256", "address of `account`"),
    ("caller",          "i256", "address of the account that called"),
    ("value",           "i256", "wei as CALLVALUE tells"),
    ("is_static",       "i64",  "1 where nothing may be written (EIP-214)"),
    ("depth",           "i64",  "0 for the frame of the transaction"),
    ("stack",           "ptr",  "first word of the stack, at a multiple of WINDOW_BYTES"),
    # How it began: for `finish`.
    ("is_create",       "i64",  "1 where the code is initcode"),
    ("created",         "ptr",  "the Account being created, where is_create"),
    ("result_offset",   "i64",  "where in the parent's memory the output is copied"),
    ("result_length",   "i64",  "how many bytes of it at most"),
    ("journal_mark",    "i64",  "entries in the journal when the frame began"),
    ("log_mark",        "i64",  "logs when the frame began"),
    ("log_data_mark",   "i64",  "bytes of log data when the frame began"),
    ("refund_mark",     "i64",  "refund counter when the frame began"),
    # How it ends: written before `finish` is reached.
    ("halt",            "i64",  "why it ended, a Halt"),
    ("output",          "ptr",  "first byte of its output"),
    ("output_length",   "i64",  "its bytes, 0 after a failure"),
    # Scratch.
    ("memory_end",      "i64",  "bytes `grow_memory` is to make; 2**63 - 1: no such memory"),
    ("heat_gas",        "i64",  "gas at the last JUMPDEST, for the heat of the code between"),
    ("watch_gas",       "i64",  "with less gas than this, a JUMPDEST is more than paid for"),
), multiple=PAGE_BYTES)
"""One run of one code."""

CODE: Final = Record("Code", (
    ("bytes",   "ptr",  "first byte; CODE_PADDING_BYTES zero bytes follow the last"),
    ("length",  "i64",  "bytes without the padding"),
    ("hash",    "i256", "Keccak-256, as a word; 0 until somebody asks"),
    ("key",     "i256", "what `contracts` finds it by"),
    ("jumps",   "ptr",  "jump map, null until the code first runs"),
    ("regions", "ptr",  "region table, null unless the tier wants this code"),
    ("patience","i64",  "gas that it may still spend before the tier is told of it"),
    ("number",  "i64",  "index of the code in Python's list"),
    ("delegate","i256", "address the code stands for (EIP-7702), where is_delegation"),
    ("is_delegation", "i64", "1 where the code is a delegation designator"),
))
"""A code that accounts may share."""

ACCOUNT: Final = Record("Account", (
    ("address",         "i256", "the key"),
    ("balance",         "i256", "wei"),
    ("nonce",           "i64",  "transactions sent, or contracts made"),
    ("exists",          "i64",  "1 where the state has the account"),
    ("code",            "ptr",  "the Code, never null"),
    ("generation",      "i64",  "storage of lower generations is gone"),
    ("has_storage",     "i64",  "1 where the source has storage for it that generation 0 may read"),
    ("is_known",        "i64",  "1 once it was read from the source"),
    ("warm_epoch",      "i64",  "epoch in which it was last warm (EIP-2929)"),
    ("touched_epoch",   "i64",  "epoch in which it was last touched (EIP-161)"),
    ("created_epoch",   "i64",  "epoch in which it was last created (EIP-6780)"),
    ("destroyed_epoch", "i64",  "epoch in which SELFDESTRUCT last marked it"),
    ("marked_epoch",    "i64",  "epoch in which it last entered the list of marked accounts"),
    ("next_marked",     "ptr",  "next of the accounts touched or destroyed in this transaction"),
    ("is_dirty",        "i64",  "1 while it is in the list of what changed since the last diff"),
    ("next_dirty",      "ptr",  "next in that list"),
    ("slots",           "ptr",  "first of its slots that are in the list of what changed"),
    ("before_balance",  "i256", "balance when it entered the list"),
    ("before_nonce",    "i64",  "nonce when it entered the list"),
    ("before_exists",   "i64",  "exists when it entered the list"),
    ("before_code",     "ptr",  "code when it entered the list"),
    ("before_generation", "i64", "generation when it entered the list"),
))
"""An account that was asked for; it stays for the life of the machine."""

SLOT: Final = Record("Slot", (
    ("key",             "i256", "the slot's number"),
    ("value",           "i256", "what it holds"),
    ("original",        "i256", "what it held when the transaction of original_epoch began"),
    ("account",         "ptr",  "the Account it belongs to"),
    ("generation",      "i64",  "generation of the account that value is of; older: it holds 0"),
    ("warm_epoch",      "i64",  "epoch in which it was last warm (EIP-2929)"),
    ("original_epoch",  "i64",  "epoch original belongs to"),
    ("is_known",        "i64",  "1 where value was read from the source or written"),
    ("transient",       "i256", "transient storage (EIP-1153), where transient_epoch is now"),
    ("transient_epoch", "i64",  "epoch transient belongs to"),
    ("is_dirty",        "i64",  "1 while it is in its account's list of what changed"),
    ("before",          "i256", "value when it entered the list"),
    ("next_dirty",      "ptr",  "next in that list"),
))
"""A storage slot that was asked for; it stays for the life of the machine."""

JOURNAL_ENTRY: Final = Record("JournalEntry", (
    ("target",   "ptr",  "the field that changed, of an Account or a Slot"),
    ("is_word",  "i64",  "1 where the field is an i256, 0 where it is an i64 or a pointer"),
    ("number",   "i64",  "what it held, where it is an i64"),
    ("word",     "i256", "what it held, where it is an i256"),
))
"""How to undo one change."""

LOG_ENTRY: Final = Record("LogEntry", (
    ("address",     "i256", "the account that logged"),
    ("topic_count", "i64",  "0 to 4"),
    ("data",        "i64",  "offset of the data in the log data"),
    ("data_length", "i64",  "its bytes"),
    ("topics",      "[4 x i256]", "the topics, first first"),
))
"""One log."""

WORLD: Final = Record("World", (
    ("frames",          "ptr",  "DEPTH_LIMIT + 1 Frames"),
    ("frame",           "ptr",  "the Frame that runs, kept where frames change"),
    ("error",           "i64",  "not 0: stop at the next halt; a Halt, or -1: Python keeps it"),
    # Result of a run, written when the frame of depth 0 halts.
    ("halt",            "i64",  "a Halt"),
    ("gas_left",        "i64",  "gas the run did not use"),
    ("output",          "ptr",  "first byte of the output"),
    ("output_length",   "i64",  "its bytes"),
    ("created",         "i256", "address of the contract that the message made, else 0"),
    ("memory_peak",     "ptr",  "first byte behind the highest that was in use"),
    # Block and transaction.
    ("coinbase",        "i256", "COINBASE"),
    ("timestamp",       "i256", "TIMESTAMP, seconds"),
    ("number",          "i256", "NUMBER"),
    ("prev_randao",     "i256", "PREVRANDAO, or DIFFICULTY before Paris"),
    ("gas_limit",       "i256", "GASLIMIT"),
    ("chain_id",        "i256", "CHAINID"),
    ("base_fee",        "i256", "BASEFEE, wei"),
    ("blob_base_fee",   "i256", "BLOBBASEFEE, wei"),
    ("origin",          "i256", "ORIGIN"),
    ("gas_price",       "i256", "GASPRICE, wei"),
    ("blob_hashes",     "ptr",  "array of words"),
    ("blob_count",      "i64",  "its length"),
    ("epoch",           "i64",  "counts transactions, from 1"),
    # The moment, in the order of a Frame's marks.
    ("journal_count",   "i64",  "entries of the journal"),
    ("log_count",       "i64",  "logs"),
    ("log_data_count",  "i64",  "bytes of their data"),
    ("refund",          "i64",  "refund counter; may be negative within a frame"),
    # Return data of the frame that runs (EIP-211).
    ("return_data",     "ptr",  "its buffer, padded as CALLDATA_PADDING_BYTES says"),
    ("return_length",   "i64",  "bytes of return data"),
    ("return_capacity", "i64",  "bytes the buffer holds"),
    # Memory of all frames.
    ("memory",          "ptr",  "first byte of the reservation"),
    ("memory_limit",    "ptr",  "first byte behind it"),
    # Tables.
    ("secret",          "[12 x i64]", "chance that keys are hashed with; see `table`"),
    ("accounts",        "ptr",  "index table of Account pointers"),
    ("account_mask",    "i64",  "its entries - 1; a power of two less one"),
    ("account_count",   "i64",  "accounts in it"),
    ("slots",           "ptr",  "index table of Slot pointers"),
    ("slot_mask",       "i64",  "its entries - 1"),
    ("slot_count",      "i64",  "slots in it"),
    ("codes",           "ptr",  "index table of Code pointers, by hash"),
    ("code_mask",       "i64",  "its entries - 1"),
    ("code_count",      "i64",  "codes in it"),
    ("arena_top",       "ptr",  "first free byte of the arena of accounts, slots and tables"),
    ("arena_limit",     "ptr",  "first byte behind it"),
    ("journal",         "ptr",  "array of JournalEntry"),
    ("journal_limit",   "i64",  "most entries it can have"),
    ("logs",            "ptr",  "array of LogEntry"),
    ("log_limit",       "i64",  "most entries it can have"),
    ("log_data",        "ptr",  "data of all logs"),
    ("log_data_limit",  "i64",  "most bytes it can have"),
    ("dirty_accounts",  "ptr",  "first of the accounts that changed since the last diff"),
    ("marked_accounts", "ptr",  "first of the accounts touched or destroyed in this transaction"),
    ("ripemd_epoch",    "i64",  "epoch in which account 3 was last touched, undone or not"),
    ("empty_code",      "ptr",  "the Code of no bytes"),
    ("memo",            "ptr",  "MEMO_ENTRIES of MEMO: digests of short inputs"),
    ("memo_mask",       "i64",  "those of them that are in use - 1; a power of two less one"),
    ("memo_count",      "i64",  "how often one was written"),
    # Python's functions, C convention; each takes the World first.
    ("on_account",      "ptr",  "void (world, account): fills an Account that was just made"),
    ("on_slot",         "ptr",  "void (world, slot): fills a Slot that was just made"),
    ("on_block_hash",   "ptr",  "void (world, i64 number, ptr word): hash of a recent block"),
    ("on_precompile",   "ptr",  "i64 (world, number, ptr data, length, gas): gas left or -1"),
    ("on_code",         "ptr",  "void (world, code): a Code has lost its patience; or null"),
    ("on_heat",         "ptr",  "void (world, code_entry, i64 pc): code from here on is hot"),
    ("patience",        "i64",  "what each Code begins with, at most 2**62"),
    ("heat_limit",      "i64",  "gas after which on_heat is called, once"),
    ("table",           "ptr",  "handlers by opcode byte; the register `table` starts with it"),
))
"""The machine: one for each object of Python's."""

MOMENT: Final = ("journal_count", "log_count", "log_data_count", "refund")
"""Fields of the World that say how far a transaction has come; they lie behind each other."""

MARKS: Final = ("journal_mark", "log_mark", "log_data_mark", "refund_mark")
"""Fields of a Frame that keep them, in the same order; these lie behind each other too."""

MOMENT_BYTES: Final = 32

for _record, _names in ((WORLD, MOMENT), (FRAME, MARKS)):
    _start = _record.offset(_names[0])
    assert [_record.offset(name) for name in _names] == [_start + 8 * i for i in range(4)]

MESSAGE: Final = Record("Message", (
    ("caller",    "[20 x i8]", "its address as it is written"),
    ("to",        "[20 x i8]", "the callee's, unless is_create"),
    ("value",     "i256", "wei"),
    ("gas",       "i64",  "for the whole tree of calls"),
    ("data",      "ptr",  "input, or the code that makes a contract; padded"),
    ("length",    "i64",  "its bytes"),
    ("is_create", "i64",  "1 where it makes a contract"),
    ("is_static", "i64",  "1 where nothing may be written"),
))
"""A message from outside."""

OUTCOME: Final = Record("Outcome", (
    ("halt",          "i64",  "a Halt"),
    ("gas_left",      "i64",  "gas not used"),
    ("output",        "ptr",  "first byte of the output"),
    ("output_length", "i64",  "its bytes"),
    ("created",       "i256", "address of the contract that the message made, else 0"),
))
"""What a message of a batch came to."""

MEMO: Final = Record("Memo", (
    ("first",  "i256", "the input as it lies in memory, first half"),
    ("second", "i256", "the other half, or the first again"),
    ("length", "i64",  "bytes of the input, 32 or 64; 0: the entry is empty"),
    ("digest", "i256", "its Keccak-256, as a word"),
))
"""A digest that is remembered."""
# fmt: on
