"""The only writer of points."""

from loyalty_service.ledger.service.adjusting import adjust, chosen_wallets, reverse
from loyalty_service.ledger.service.books import Acting, Books, told
from loyalty_service.ledger.service.posting import CLOCK_ACTOR, get_actor_id, post

__all__ = [
    "CLOCK_ACTOR",
    "Acting",
    "Books",
    "adjust",
    "chosen_wallets",
    "get_actor_id",
    "post",
    "reverse",
    "told",
]
