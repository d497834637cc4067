"""Where blobs lie: one interface, four places, one name for the same bytes in all of them."""

from numen.ledger.stores.anchor import Anchored, AnchorProof
from numen.ledger.stores.cid import Cid
from numen.ledger.stores.embedded import EmbeddedShelf
from numen.ledger.stores.errors import StoreError
from numen.ledger.stores.http import poster
from numen.ledger.stores.kubo import KuboShelf
from numen.ledger.stores.scattered import ScatteredShelf
from numen.ledger.stores.shared import SharedShelf
from numen.ledger.stores.store import Shelf, Store

__all__ = [
    "AnchorProof",
    "Anchored",
    "Cid",
    "EmbeddedShelf",
    "KuboShelf",
    "ScatteredShelf",
    "SharedShelf",
    "Shelf",
    "Store",
    "StoreError",
    "poster",
]
