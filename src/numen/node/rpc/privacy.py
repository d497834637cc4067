"""`numen_`: signed view calls, which are answered so that nobody but the asker can read it."""

from numen.ledger import looking
from numen.ledger.deliver import Moment
from numen.node.rpc.cells import LedgerSession
from numen.node.rpc.shapes import Hex
from numen.node.rpc.table import rows
from numen.node.rpc.values import Address, Data, data


def sealed_call(session: LedgerSession, address: Address, question: Data) -> Hex:
    """Answer a signed view call on private state, in an envelope for who signed it.

    The question is what `numen.ledger.looking.ask` gives: signed, and sealed for the `key` of the
    contract's charter. It is asked of the last block, and void after the height that it names.
    Whether the signer may know is for the contract to say; a failure is in the envelope, too.
    """
    node = session.node
    moment = Moment(node.ledger.height, node.ledger.time_ms, 0)
    fresh, places = node.settings.draw(), looking.Settled(node.world)
    return data(looking.answer(bytes(question), bytes(address), places, moment, fresh))


METHODS = rows({"numen_sealedCall": sealed_call})
