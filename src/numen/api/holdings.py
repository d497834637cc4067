"""What an owner has in a market: coins that it takes out, and the node that speaks for it."""

from numen.api.orders import visit
from numen.market.coins import wallet
from numen.market.exchange import Verb
from numen.market.message import Body, Call
from numen.market.registry import registration
from numen.market.turn import Market
from numen.net.keystore import Identity
from numen.node.market.errand import Errand, ErrandError
from numen.node.market.notary import Notary


async def take_out(place: str, identity: Identity, coins: int) -> int:
    """Have free coins paid out to one's account on the ledger; what is left in the wallet.

    Args:
        place: The market, which is settled on a ledger.
        identity: Whose coins.
        coins: How many.

    Raises:
        ErrandError: They are not free, or the market is on no ledger.
        MarketClosedError: The market cannot be reached.
    """
    owner = identity.account.address

    def begin(market: Market, now_ms: int, notary: Notary) -> tuple[int, Errand]:
        if not market.on_ledger:
            raise ErrandError(
                "this market is on no ledger, so coins have no account to leave for",
                hint="`numen market open --ledger` begins one whose coins are a ledger's",
            )
        nonce = market.nonces.get(owner, 0)
        body = Call(market.identity, owner, nonce, Verb.TAKE_OUT.value, coins)
        left = market.coins.balance(wallet(owner)) - coins
        return left, _errand(identity, body, market, now_ms, notary)

    return await visit(place, identity, begin)


async def register(place: str, identity: Identity, *, is_there: bool = True) -> bytes:
    """Register the node of an identity for its account, which has a stake; the node.

    Args:
        place: The market.
        identity: Whose node.
        is_there: Whether the account has one; else it is taken off.

    Raises:
        ErrandError: The account has no stake, or the node is another account's.
        MarketClosedError: The market cannot be reached.
    """
    owner, key = identity.account.address, identity.node if is_there else None

    def begin(market: Market, now_ms: int, notary: Notary) -> tuple[bytes, Errand]:
        body = registration(market.identity, owner, market.nonces.get(owner, 0), key)
        return body.node, _errand(identity, body, market, now_ms, notary)

    return await visit(place, identity, begin)


def _errand(identity: Identity, body: Body, market: Market, now_ms: int, notary: Notary) -> Errand:
    """A message that counts as its owner's next; refused here if the market would refuse it."""
    owner, nonce = identity.account.address, market.nonces.get(identity.account.address, 0)
    errand = Errand(identity.account, body, lambda now: now.nonces.get(owner, 0) > nonce)
    errand.check(market, now_ms, notary)
    return errand
