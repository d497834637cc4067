"""Keys are dealt whatever one of the nodes answers."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec
import pytest

from numen.base.crypto import SigningKey
from numen.ledger.founding import attest
from numen.ledger.sealed.envelope import public_key
from numen.net.identity import NodeKey
from numen.net.memory import MemoryNetwork
from numen.node.process.dealing import DealingError, deal_keys
from numen.node.replica.custodian import mail_secret
from numen.node.replica.packet import Entrusted, read_packet, write_packet
from tests.node.process.test_logged import NAMES, made_roll

DEALER = SigningKey.from_seed(b"dealer")


def with_mail():
    """A ledger whose nodes all keep shares."""
    roll = made_roll(())
    mails = [public_key(mail_secret(SigningKey.from_seed(name.encode()))) for name in NAMES]
    pairs = zip(roll.nodes, mails, strict=True)
    sites = tuple(msgspec.structs.replace(site, mail=mail.hex()) for site, mail in pairs)
    return msgspec.structs.replace(roll, nodes=sites)


def honest(roll, name, offer):
    signature = attest(
        roll.chain, offer.contract, offer.commitments, SigningKey.from_seed(name.encode())
    )
    return write_packet(Entrusted(offer.contract, offer.commitments[0], signature, ""))


@asynccontextmanager
async def answering(roll, network, name, answer):
    """A node that answers every offer so."""

    async def serve(listener):
        while True:
            channel = await listener.accept()
            offer = read_packet(await channel.receive())
            await channel.send(answer(roll, name, offer))

    site, node = roll.site(name), NodeKey.from_seed(name.encode()).id
    listener = await network.transport(node).listen(site.at, lambda _: True)
    task = asyncio.create_task(serve(listener))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def dealt(answers):
    """Deal keys to nodes that answer so, and give what is founded."""
    roll, network = with_mail(), MemoryNetwork()
    async with AsyncExitStack() as nodes:
        for name, answer in zip(NAMES, answers, strict=True):
            await nodes.enter_async_context(answering(roll, network, name, answer))
        me = network.transport(NodeKey.from_seed(b"dealer").id)
        return await deal_keys(roll, DEALER, 0, None, 5, lambda: me)


def noise(roll, name, offer):
    return b"\xff\x00"


def scrawl(roll, name, offer):
    return write_packet(Entrusted(offer.contract, offer.commitments[0], b"\1" * 65, ""))


def short(roll, name, offer):
    return write_packet(Entrusted(offer.contract, offer.commitments[0], b"\1", ""))


@pytest.mark.parametrize("answer", [honest, noise, scrawl, short])
def test_one_node_that_lies_does_not_keep_the_others_from_it(answer):
    founding = asyncio.run(dealt([honest, answer, honest, honest]))

    assert len(founding.signatures) == (4 if answer is honest else 3)


def test_who_deals_is_told_what_two_nodes_said():
    with pytest.raises(DealingError) as caught:
        asyncio.run(dealt([honest, noise, scrawl, honest]))

    assert all(name in caught.value.hint for name in ("n1", "n2"))
