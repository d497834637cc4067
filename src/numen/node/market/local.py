"""A market of one's own, in this process: a hall, a verifier and workers, on a network in memory.

For development, and for who has no market yet. Everybody in it is oneself, so its answers are worth
what one's own machine is worth: the way to them is that of any market.
"""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final

from numen.base.crypto import SigningKey
from numen.ir.program import Program
from numen.market.worker import Behaviour, Profile
from numen.net.channel import Transport
from numen.net.identity import NodeKey
from numen.net.keystore import Identity
from numen.net.memory import MemoryNetwork
from numen.node.market import people
from numen.node.market.follower import Player
from numen.node.market.member import Member
from numen.node.market.notary import Notary
from numen.node.market.place import Place
from numen.node.market.prover import ProcessProver
from numen.node.market.runs import Runs
from numen.node.market.serve import serve
from numen.node.market.tools import Goods, Machine
from numen.vm import machine
from numen.vm.machine import Result

WORKERS: Final = 3
"""Workers of a local market: two give equal answers, and the third sets the price."""

GRANT: Final = 10**12
"""Coins that everybody has; there is nothing to buy with them."""

_ADDRESS: Final = "hall"
_CHAIN_ID: Final = 1337
_JOINING_S: Final = 60.0


class ThisProcess:
    """Runs one's own programs where one is, without a sandbox: a `Runner` of `Machine`."""

    def run(self, program: Program, inputs: Sequence[Any], *, work_limit: int) -> Result:
        """Run a program; see `vm.machine.run`."""
        return machine.run(program, inputs, work_limit=work_limit)


@contextlib.asynccontextmanager
async def local_market(buyer: Identity) -> AsyncIterator[tuple[Transport, Place]]:
    """Open a market for one buyer, and close it afterwards.

    Args:
        buyer: Who buys.

    Yields:
        The buyer's node, and where the hall is.
    """
    network = MemoryNetwork()
    async with contextlib.AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="numen-market-"))
        found: asyncio.Future[Place] = asyncio.get_running_loop().create_future()
        hall = new_identity("hall")
        await _started(stack, serve(
            Path(folder), hall.account, network.transport(hall.node.id), _ADDRESS, GRANT, _CHAIN_ID,
            lambda place, _: found.set_result(place), lambda _: None,
        ))  # fmt: skip
        place = await asyncio.wait_for(found, _JOINING_S)
        members = [await _join(stack, network, place, number) for number in range(WORKERS + 1)]
        async with asyncio.timeout(_JOINING_S):
            while not all(_has_stake(member, who) for member, who in members):
                await asyncio.sleep(0.002)
        yield network.transport(buyer.node.id), place


def new_identity(name: str) -> Identity:
    """An identity of chance, which is written nowhere."""
    account = SigningKey.from_seed(NodeKey.generate().sign(bytes(32)))
    return Identity(name, NodeKey.generate(), account)


async def _join(
    stack: contextlib.AsyncExitStack, network: MemoryNetwork, place: Place, number: int
) -> tuple[Member, bytes]:
    """Let the verifier, or a worker, take part."""
    who = new_identity(f"member-{number}")
    is_proving = number == 1  # one is enough where all are on one machine
    goods = Goods(proves=is_proving)
    prover = ProcessProver(goods) if is_proving else None
    if prover is not None:
        stack.callback(prover.close)
    runner = Runs(Machine(goods, ThisProcess()), 1)
    stack.callback(runner.close)

    def make() -> Player:
        if number == 0:
            return people.verifier(who.account, goods, runner)
        profile = Profile(Behaviour.HONEST, price_per_million=0, speed=10**9)
        return people.worker(who.account, profile, goods, runner, prover=prover)

    transport = network.transport(who.node.id)
    member = Member(transport, place, who.account, Notary(), lambda _: None)
    await _started(stack, member.run(make))
    return member, who.account.address


async def _started(stack: contextlib.AsyncExitStack, work: Any) -> None:
    task = asyncio.ensure_future(work)

    async def end() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    stack.push_async_callback(end)
    await asyncio.sleep(0)


def _has_stake(member: Member, who: bytes) -> bool:
    return member.replica is not None and who in member.replica.market.stakes.stakers
