"""The loyalty service as a shop's server calls it. Copy this file; it needs urllib3 and no more.

Money is in minor units (``{"amount": 1999, "currency": "CNY"}``), points are whole numbers. A cart
is ``{"lines": [...], "discount": ..., "channel": ..., "points": ...}``, as in openapi.yaml.
"""

import json
import random
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import urllib3

Json = dict[str, Any]

PASSING = {429, 500, 502, 503, 504}  # in a moment the answer may be another
LONGEST_WAIT_S = 5.0


class Problem(Exception):
    """The service said no, and did nothing. Decide by ``code``; ``values`` say what it saw.

    Args:
        status: of HTTP: 400, 401, 403, 404, 413: mend the program or its token.
        body: the problem as it was sent (RFC 9457).
    """

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(f"{status} {body.get('code')}: {body.get('detail')}")
        self.status = status
        self.code: str = body.get("code", f"http_{status}")
        self.detail: str = body.get("detail", "")
        self.path: str | None = body.get("path")
        self.values: Json = body.get("values", {})


class NotFound(Problem):
    """404: no such member, order or entry."""


class Conflict(Problem):
    """409: things stand otherwise than you think. Do not repeat; read, then decide."""


class Invalid(Problem):
    """422: a rule does not allow it. Mend what ``values`` name; a new call is another call."""


class Unavailable(Exception):
    """No answer that counts within all tries. The call may have been taken or not.

    Make the same call again later: for the same order, payment_ref or return_ref it counts once.
    """

    def __init__(self, reason: str, retry_after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class Loyalty:
    """The service at one address; may be shared by threads.

    Args:
        address: such as ``http://127.0.0.1:8000``.
        token: asked before every try, so that it can be renewed; scopes checkout and members.
        timeout_s: for one try. The service itself waits up to 3 s for another call of the member.
        tries: how often a call is made in all, always with the same Idempotency-Key.
        sleep: waits between two tries.
    """

    def __init__(
        self,
        address: str,
        token: Callable[[], str],
        *,
        timeout_s: float = 5.0,
        tries: int = 4,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._base = f"{address}/v1"
        self._token, self._tries, self._sleep = token, tries, sleep
        timeout = urllib3.Timeout(connect=min(2.0, timeout_s), read=timeout_s)
        # Retries are ours: urllib3 knows nothing of keys and problems.
        self._pool = urllib3.PoolManager(retries=False, timeout=timeout, maxsize=16)

    def enrol(self, member: str, **details: Any) -> Json:
        """When a customer joins, or their ``birthday`` or ``tags`` change."""
        return self._call("PUT", _path("members", member), details)

    def balance(self, member: str) -> Json:
        """When the customer looks: what they have, in every wallet, right to the second."""
        return self._call("GET", _path("members", member, "balance"))

    def standing(self, member: str, lang: str) -> Json:
        """When the customer looks: their tier, and in words what the next one asks for.

        404 (``no_tiers``) where the program has none.
        """
        return self._call("GET", _path("members", member, "standing", lang=lang))

    def entries(self, member: str, **asked: Any) -> Json:
        """For a statement: the newest entries; the next page with ``cursor=`` the answer's next."""
        return self._call("GET", _path("members", member, "entries", **asked))

    def entry(self, member: str, wallet: str, number: int, lang: str) -> Json:
        """When the customer asks "why did I get these points?": one entry, in words."""
        path = _path("members", member, "entries", wallet, str(number), lang=lang)
        return self._call("GET", path)

    def quote(self, member: str, cart: Json, order: str | None = None) -> Json:
        """Whenever the checkout page is shown: price, points, what is earned. Writes nothing.

        ``points`` of the cart is the most to use; with ``order``, what it holds counts as free.
        """
        body = cart if order is None else {**cart, "order_ref": order}
        return self._call("POST", _path("members", member, "quotes"), body)

    def reserve(self, member: str, order: str, cart: Json) -> Json:
        """When the customer goes on to pay: holds exactly these points, promises this price.

        Again before the charge: the same cart is held for longer, a changed one replaces it.
        """
        return self._call("PUT", _path("members", member, "orders", order, "reservation"), cart)

    def release(self, member: str, order: str) -> Json:
        """When the charge fails or the customer walks away: the points are free at once."""
        path = _path("members", member, "orders", order, "reservation", "release")
        return self._post(path)

    def pay(self, member: str, order: str, payment_ref: str, **more: Any) -> Json:
        """After the charge, with its reference: spends the points held, gives what is earned.

        Repeat it with the same ``payment_ref`` and the very same ``more`` until there is an answer:
        a field more or fewer is a Conflict, ``order_differs``. The cart (``lines=``, ``points=``)
        may come along, for the case that the reservation never arrived; then say
        ``fulfilled=False`` too. ``paid=`` is refused where it is not what was promised.
        """
        body = {"payment_ref": payment_ref, **more}
        return self._post(_path("members", member, "orders", order, "payment"), body)

    def fulfil(self, member: str, order: str) -> Json:
        """When the parcel arrived: points that wait for it come alive, or begin their days."""
        return self._post(_path("members", member, "orders", order, "fulfilment"), {})

    def cancel(self, member: str, order: str) -> Json:
        """When all of it is called off, paid or not: everything goes back where it came from."""
        return self._post(_path("members", member, "orders", order, "cancellation"), {})

    def take_return(self, member: str, order: str, ref: str, units: dict[int, int]) -> Json:
        """When goods came back: units by line number. A ``ref`` of its own for each return."""
        lines = [{"line": line, "units": count} for line, count in units.items()]
        path = _path("members", member, "orders", order, "returns", ref)
        return self._call("PUT", path, {"lines": lines})

    def order(self, member: str, order: str) -> Json:
        """For the order page, and after a 409: where the order stands and all that happened."""
        return self._call("GET", _path("members", member, "orders", order))

    def _post(self, path: str, body: Json | None = None) -> Json:
        # One key for all tries: whichever of them arrived, it counts once.
        return self._call("POST", path, body, key=str(uuid.uuid4()))

    def _call(self, method: str, path: str, body: Json | None = None, key: str = "") -> Json:
        headers = {"Idempotency-Key": key} if key else {}
        for tries_before in range(self._tries):
            try:
                return self._try(method, path, body, headers)
            except Unavailable as no:
                if tries_before + 1 == self._tries:
                    raise
                # Longer every time, and not in step with everybody else's.
                own_s = random.uniform(0.5, 1.0) * 0.2 * 2**tries_before  # noqa: S311
                self._sleep(min(max(own_s, no.retry_after_s), LONGEST_WAIT_S))
        raise AssertionError("at least one try")

    def _try(self, method: str, path: str, body: Json | None, headers: dict[str, str]) -> Json:
        headers = headers | {"Authorization": f"Bearer {self._token()}"}
        said = None if body is None else json.dumps(body)
        if said is not None:
            headers["Content-Type"] = "application/json"
        try:
            answer = self._pool.request(method, self._base + path, body=said, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise Unavailable(f"{method} {path}: {error}") from None
        told = _read(answer)
        if answer.status < 300 and told is not None:
            return told
        told = told or {}
        if answer.status in PASSING or answer.status < 300 or told.get("code") == "busy":
            asked_for = answer.headers.get("Retry-After", "")
            wait_s = float(asked_for) if asked_for.isdigit() else 0.0
            raise Unavailable(f"{method} {path}: {answer.status} {told.get('code')}", wait_s)
        kind = {404: NotFound, 409: Conflict, 422: Invalid}.get(answer.status, Problem)
        raise kind(answer.status, told)


def _path(*parts: str, **query: Any) -> str:
    path = "/" + "/".join(quote(part, safe=":~") for part in parts)
    return f"{path}?{urlencode(query)}" if query else path


def _read(answer: urllib3.BaseHTTPResponse) -> Json | None:
    """The JSON object of an answer; None where something in between answered with a page."""
    try:
        told = json.loads(answer.data)
    except ValueError:
        return None
    return told if isinstance(told, dict) else None
