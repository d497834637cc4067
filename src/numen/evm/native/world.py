"""Everything native besides opcodes that knows of accounts, slots, logs and calls."""

from numen.evm.forks import Fork
from numen.evm.native.accounts import write_accounts
from numen.evm.native.addresses import write_addresses
from numen.evm.native.contracts import write_contracts
from numen.evm.native.ends import write_ends
from numen.evm.native.entry import write_entry
from numen.evm.native.frames import write_frames
from numen.evm.native.journal import write_journal
from numen.evm.native.logs import write_logs
from numen.evm.native.opcodes.halts import write_destroy
from numen.evm.native.precompiled import write_precompiles
from numen.evm.native.slots import write_slots
from numen.evm.native.starts import write_starts
from numen.evm.native.table import write_tables
from numen.evm.native.transactions import write_transactions
from numen.kernels.llvm import Module


def write_world(module: Module, fork: Fork) -> None:
    """Define all of it in a module."""
    write_tables(module)
    write_journal(module)
    write_accounts(module, fork)
    write_slots(module)
    write_contracts(module)
    write_logs(module)
    write_addresses(module)
    write_precompiles(module, fork)
    write_frames(module, fork)
    write_starts(module, fork)
    write_ends(module, fork)
    write_destroy(module, fork)
    write_transactions(module, fork)
    write_entry(module, fork)
