"""The only writer of points."""

from loyalty_service.ledger.service.adjusting import adjust, chosen_wallets, reverse
from loyalty_service.ledger.service.books import Acting, Books, told
from loyalty_service.ledger.service.posting import CLOCK_ACTOR, get_actor_id, post
from loyalty_service.ledger.service.proving import prove
from loyalty_service.ledger.service.transferring import send

__all__ = [
    "CLOCK_ACTOR",
    "Acting",
    "Books",
    "adjust",
    "chosen_wallets",
    "get_actor_id",
    "post",
    "prove",
    "reverse",
    "send",
    "told",
]
