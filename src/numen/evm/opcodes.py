"""The opcodes: what is true of each one in every fork that has it.

Which fork has which opcode, and its price, stands in `forks`; what the pure ones mean stands in
`meaning`. A byte that is not in the table has never been an instruction.
"""

from typing import Final

import msgspec

STACK_MAX: Final = 1024
"""Most words on the stack of one frame (yellow paper, section 9.1)."""


class Opcode(msgspec.Struct, frozen=True):
    """Facts about one instruction.

    Attributes:
        byte: Its encoding, 0..255.
        name: Its mnemonic, as the yellow paper or its EIP has it.
        pops: Words it takes from the stack.
        pushes: Words it leaves.
        immediate: Bytes of code after it that belong to it.
        doc: What it does; the operands are named in the order they are popped.
    """

    byte: int
    name: str
    pops: int
    pushes: int
    immediate: int
    doc: str


# fmt: off
_PLAIN = (
    (0x00, "STOP", 0, 0, "end this frame with success and no output"),
    (0x01, "ADD", 2, 1, "a + b"),
    (0x02, "MUL", 2, 1, "a * b"),
    (0x03, "SUB", 2, 1, "a - b"),
    (0x04, "DIV", 2, 1, "a / b rounded down, 0 if b is 0"),
    (0x05, "SDIV", 2, 1, "a / b rounded towards zero, signed, 0 if b is 0"),
    (0x06, "MOD", 2, 1, "a mod b, 0 if b is 0"),
    (0x07, "SMOD", 2, 1, "remainder of a / b with the sign of a, 0 if b is 0"),
    (0x08, "ADDMOD", 3, 1, "(a + b) mod m of the exact sum, 0 if m is 0"),
    (0x09, "MULMOD", 3, 1, "(a * b) mod m of the exact product, 0 if m is 0"),
    (0x0A, "EXP", 2, 1, "a to the power b"),
    (0x0B, "SIGNEXTEND", 2, 1, "x extended from its byte k, counted from the least"),
    (0x10, "LT", 2, 1, "a < b"),
    (0x11, "GT", 2, 1, "a > b"),
    (0x12, "SLT", 2, 1, "a < b, signed"),
    (0x13, "SGT", 2, 1, "a > b, signed"),
    (0x14, "EQ", 2, 1, "a = b"),
    (0x15, "ISZERO", 1, 1, "a = 0"),
    (0x16, "AND", 2, 1, "bitwise and"),
    (0x17, "OR", 2, 1, "bitwise or"),
    (0x18, "XOR", 2, 1, "bitwise exclusive or"),
    (0x19, "NOT", 1, 1, "every bit turned"),
    (0x1A, "BYTE", 2, 1, "byte i of x, counted from the greatest, 0 if there is none"),
    (0x1B, "SHL", 2, 1, "x * 2**count (EIP-145)"),
    (0x1C, "SHR", 2, 1, "x / 2**count rounded down (EIP-145)"),
    (0x1D, "SAR", 2, 1, "x / 2**count rounded down, signed (EIP-145)"),
    (0x1E, "CLZ", 1, 1, "zero bits above the highest one, 256 if there is none (EIP-7939)"),
    (0x20, "KECCAK256", 2, 1, "hash of memory (offset, length)"),
    (0x30, "ADDRESS", 0, 1, "the account whose code and storage these are"),
    (0x31, "BALANCE", 1, 1, "wei of an account"),
    (0x32, "ORIGIN", 0, 1, "the sender of the transaction"),
    (0x33, "CALLER", 0, 1, "the account that called"),
    (0x34, "CALLVALUE", 0, 1, "wei that came with the call"),
    (0x35, "CALLDATALOAD", 1, 1, "32 bytes of input at an offset, zeros past its end"),
    (0x36, "CALLDATASIZE", 0, 1, "bytes of input"),
    (0x37, "CALLDATACOPY", 3, 0, "input to memory (to, from, length), zeros past its end"),
    (0x38, "CODESIZE", 0, 1, "bytes of this code"),
    (0x39, "CODECOPY", 3, 0, "this code to memory (to, from, length), zeros past its end"),
    (0x3A, "GASPRICE", 0, 1, "wei the sender pays for a unit of gas"),
    (0x3B, "EXTCODESIZE", 1, 1, "bytes of an account's code"),
    (0x3C, "EXTCODECOPY", 4, 0, "an account's code to memory (account, to, from, length)"),
    (0x3D, "RETURNDATASIZE", 0, 1, "bytes the last call gave back (EIP-211)"),
    (0x3E, "RETURNDATACOPY", 3, 0, "what the last call gave back to memory (EIP-211)"),
    (0x3F, "EXTCODEHASH", 1, 1, "hash of an account's code, 0 if it is not there (EIP-1052)"),
    (0x40, "BLOCKHASH", 1, 1, "hash of one of the 256 blocks before this one, else 0"),
    (0x41, "COINBASE", 0, 1, "who gets the fees of this block"),
    (0x42, "TIMESTAMP", 0, 1, "seconds since 1970 at this block"),
    (0x43, "NUMBER", 0, 1, "number of this block"),
    (0x44, "PREVRANDAO", 0, 1, "the beacon chain's chance (EIP-4399); difficulty before Paris"),
    (0x45, "GASLIMIT", 0, 1, "gas that this block may use"),
    (0x46, "CHAINID", 0, 1, "number of the chain (EIP-1344)"),
    (0x47, "SELFBALANCE", 0, 1, "wei of this account (EIP-1884)"),
    (0x48, "BASEFEE", 0, 1, "wei of a unit of gas that is burnt (EIP-3198)"),
    (0x49, "BLOBHASH", 1, 1, "hash of one of the transaction's blobs, else 0 (EIP-4844)"),
    (0x4A, "BLOBBASEFEE", 0, 1, "wei of a unit of blob gas (EIP-7516)"),
    (0x50, "POP", 1, 0, "drop a word"),
    (0x51, "MLOAD", 1, 1, "word of memory at a byte offset"),
    (0x52, "MSTORE", 2, 0, "word to memory (offset, word)"),
    (0x53, "MSTORE8", 2, 0, "least byte of a word to memory (offset, word)"),
    (0x54, "SLOAD", 1, 1, "word of storage"),
    (0x55, "SSTORE", 2, 0, "word to storage (key, word)"),
    (0x56, "JUMP", 1, 0, "go on at a JUMPDEST"),
    (0x57, "JUMPI", 2, 0, "go on at a JUMPDEST if the second word is not zero"),
    (0x58, "PC", 0, 1, "offset of this instruction"),
    (0x59, "MSIZE", 0, 1, "bytes of memory in use"),
    (0x5A, "GAS", 0, 1, "gas left after this instruction"),
    (0x5B, "JUMPDEST", 0, 0, "a place that jumps may go to"),
    (0x5C, "TLOAD", 1, 1, "word of transient storage (EIP-1153)"),
    (0x5D, "TSTORE", 2, 0, "word to transient storage (key, word) (EIP-1153)"),
    (0x5E, "MCOPY", 3, 0, "memory to memory (to, from, length) (EIP-5656)"),
    (0x5F, "PUSH0", 0, 1, "the constant 0 (EIP-3855)"),
    (0xF0, "CREATE", 3, 1, "make a contract (wei, offset, length)"),
    (0xF1, "CALL", 7, 1, "call (gas, account, wei, input, length, output, length)"),
    (0xF2, "CALLCODE", 7, 1, "run another's code on this storage; operands as CALL"),
    (0xF3, "RETURN", 2, 0, "end this frame with output (offset, length)"),
    (0xF4, "DELEGATECALL", 6, 1, "run another's code as this very call (EIP-7)"),
    (0xF5, "CREATE2", 4, 1, "make a contract at a place known before, with a salt (EIP-1014)"),
    (0xFA, "STATICCALL", 6, 1, "call that may not change anything (EIP-214)"),
    (0xFD, "REVERT", 2, 0, "undo this frame, keep its gas, give output (EIP-140)"),
    (0xFE, "INVALID", 0, 0, "fail; set aside to be no instruction in any fork (EIP-141)"),
    (0xFF, "SELFDESTRUCT", 1, 0, "give all wei to an account, and the contract up"),
)
# fmt: on


def _all() -> list[Opcode]:
    found = [Opcode(byte, name, pops, pushes, 0, doc) for byte, name, pops, pushes, doc in _PLAIN]
    found += [
        Opcode(0x5F + n, f"PUSH{n}", 0, 1, n, f"the next {n} bytes as a word") for n in range(1, 33)
    ]
    for n in range(1, 17):
        found.append(Opcode(0x7F + n, f"DUP{n}", n, n + 1, 0, f"copy word {n} to the top"))
        swap = f"exchange the top with the word {n} below it"
        found.append(Opcode(0x8F + n, f"SWAP{n}", n + 1, n + 1, 0, swap))
    for n in range(5):
        log = f"record memory (offset, length) with {n} topics"
        found.append(Opcode(0xA0 + n, f"LOG{n}", 2 + n, 0, 0, log))
    return sorted(found, key=lambda op: op.byte)


OPCODES: Final[dict[int, Opcode]] = {op.byte: op for op in _all()}
"""Every opcode of any fork by its byte, in order; and INVALID, which no fork has."""

BY_NAME: Final[dict[str, Opcode]] = {op.name: op for op in OPCODES.values()}
"""The same by mnemonic."""
