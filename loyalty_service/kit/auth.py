"""Who calls: bearer tokens, what they may do, and for whom they speak.

A token is a JWT with header ``typ: at+jwt`` (RFC 9068) and the claims iss, aud, exp, iat, sub and
scope. An identity token of the same issuer carries another ``typ`` and is refused, whatever else
it says.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import Any

import jwt
from marshmallow import ValidationError

from loyalty_service.kit.denials import (
    OtherMember,
    ScopeMissing,
    TokenBadSignature,
    TokenExpired,
    TokenMalformed,
    TokenMissing,
    TokenNotYetValid,
    TokenUnknownKey,
    TokenWrongAlgorithm,
    TokenWrongAudience,
    TokenWrongIssuer,
    TokenWrongType,
)
from loyalty_service.kit.fields import Text
from loyalty_service.kit.keys import AddressKeys, FileKeys, TokenKey

SCOPES = {
    "checkout": "a storefront: orders, payments, returns and events of any member",
    "members": "enrol and read any member",
    "self": "the member named by `sub`, and nobody else",
    "operator": "the program, adjustments and reports",
    "import": "orders made elsewhere, in batches",
}
LEEWAY_SECONDS = 10
"""How far the issuer's clock may be from ours."""
LONGEST_TOKEN = 8_192
_CLAIM = Text(200)
CACHED_TOKENS = 10_000
REQUIRED = ("iss", "aud", "exp", "iat", "sub", "scope")
TYPES = ("at+jwt", "application/at+jwt")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as the token says.

    Attributes:
        kind: storefront, member, operator, import, or public where no token is asked for.
        name: the token's ``sub``.
        member_ref: whom a token with the scope ``self`` speaks for, as ``kind:value``.
    """

    kind: str
    name: str
    scopes: frozenset[str]
    member_ref: str | None = None

    @property
    def is_member(self) -> bool:
        """Whether a customer reads this, and nobody who works for the shop."""
        return self.kind == MEMBER


MEMBER = "member"
PUBLIC = Caller("public", "", frozenset())


@dataclass(frozen=True, slots=True)
class _Proved:
    caller: Caller
    key: TokenKey
    from_s: float
    until_s: float


class TokenVerifier:
    """Proves bearer tokens; a token proved once is remembered until its end.

    Args:
        keys: where keys are found; a key that is gone or changed ends its tokens.
        now: seconds since 1970, for tests; tokens live by the machine's clock.
    """

    def __init__(
        self,
        keys: FileKeys | AddressKeys,
        *,
        issuer: str,
        audience: str,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._now = now
        self._proved: OrderedDict[bytes, _Proved] = OrderedDict()
        self._lock = Lock()

    def prove(self, header: str | None) -> Caller:
        """Who sent this Authorization header.

        Raises:
            TokenRefused: it proves nothing; the kind says why.
            KeysUnavailable: the keys could not be fetched yet.
        """
        if not header or header[:7].lower() != "bearer ":
            raise TokenMissing("Send Authorization: Bearer with an access token.")
        token = header[7:].strip(" ")
        name = sha256(token.encode("utf-8", "surrogateescape")).digest()
        proved = self._proved.get(name)
        if proved is None or self._keys.find(proved.key.kid) is not proved.key:
            proved = self._prove(token)
            self._remember(name, proved)
        _require_time(proved, self._now())
        return proved.caller

    def _remember(self, name: bytes, proved: _Proved) -> None:
        with self._lock:
            self._proved[name] = proved
            self._proved.move_to_end(name)
            while len(self._proved) > CACHED_TOKENS:
                self._proved.popitem(last=False)

    def _prove(self, token: str) -> _Proved:
        head = _read_header(token)
        key = self._find_key(head)
        if head.get("alg") != key.algorithm:
            raise TokenWrongAlgorithm("The token's alg is not the one of its key.")
        if str(head.get("typ", "")).lower() not in TYPES:
            raise TokenWrongType("The token's header must say typ at+jwt.")
        claims = _read_claims(token, key)
        if claims["iss"] != self._issuer:
            raise TokenWrongIssuer("The token comes from another issuer.")
        audience = claims["aud"]
        if self._audience not in (audience if isinstance(audience, list) else [audience]):
            raise TokenWrongAudience("The token is meant for another service.")
        from_s = max(claims["iat"], claims.get("nbf", claims["iat"]))
        return _Proved(_caller_of(claims), key, from_s, claims["exp"])

    def _find_key(self, head: Mapping[str, Any]) -> TokenKey:
        kid = head.get("kid")
        key = self._keys.find(kid) if isinstance(kid, str) else None
        if key is None:
            raise TokenUnknownKey("No key is known by the token's kid.")
        return key


def _require_time(proved: _Proved, now_s: float) -> None:
    if now_s >= proved.until_s + LEEWAY_SECONDS:
        raise TokenExpired("The token has expired; get a new one.")
    if now_s < proved.from_s - LEEWAY_SECONDS:
        raise TokenNotYetValid("The token is not valid yet.")


def _read_header(token: str) -> Mapping[str, Any]:
    if len(token) > LONGEST_TOKEN:
        raise TokenMalformed("The token is too long.")
    try:
        head = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise TokenMalformed("The token is no JWT.") from None
    if "crit" in head or "b64" in head:
        raise TokenMalformed("The token asks for an extension that is not known here.")
    return head


def _read_claims(token: str, key: TokenKey) -> dict[str, Any]:
    unchecked = dict.fromkeys(("exp", "nbf", "iat", "aud", "iss", "sub", "jti"), False)
    options: Any = {f"verify_{claim}": check for claim, check in unchecked.items()}
    try:
        claims = jwt.decode(token, key.verifying, algorithms=[key.algorithm], options=options)
    except jwt.InvalidSignatureError:
        raise TokenBadSignature("The token's signature does not fit.") from None
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise TokenMalformed("The token is no JWT.") from None
    _require_claims(claims)
    return claims


def _require_claims(claims: Mapping[str, Any]) -> None:
    for claim in REQUIRED:
        if claim not in claims:
            raise TokenMalformed(f"The token lacks the claim {claim}.", claim=claim)
    for claim in ("exp", "iat", "nbf"):
        if claim in claims and not _is_seconds(claims[claim]):
            raise TokenMalformed(f"The claim {claim} must be a number of seconds.", claim=claim)
    for claim in ("sub", "scope"):
        try:
            _CLAIM.read(claims[claim])
        except ValidationError:
            raise TokenMalformed(
                f"The claim {claim} must be a line of text.", claim=claim
            ) from None


def _is_seconds(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e11


def _caller_of(claims: Mapping[str, Any]) -> Caller:
    scopes = frozenset(claims["scope"].split()) & SCOPES.keys()
    kind = "storefront"
    for only, named in (("operator", "operator"), ("import", "import"), ("checkout", "storefront")):
        if only in scopes:
            kind = named
            break
    else:
        kind = MEMBER if scopes == {"self"} else kind
    sub = claims["sub"]
    own = (sub if ":" in sub else f"shop:{sub}") if "self" in scopes else None
    return Caller(kind, sub, scopes, own)


def require_scope(caller: Caller, scopes: Iterable[str], member_ref: str | None) -> None:
    """Refuse a caller who may not make this call.

    Args:
        scopes: any one of them suffices.
        member_ref: whose call it is, as ``kind:value``; None where it names no member.

    Raises:
        ScopeMissing: the token has none of ``scopes``.
        OtherMember: only ``self`` lets the caller in, and this is not their own.
    """
    granted = caller.scopes.intersection(scopes)
    if not granted:
        needed = sorted(scopes)
        raise ScopeMissing(f"The token lacks the scope {' or '.join(needed)}.", needed=needed)
    if granted == {"self"} and member_ref != caller.member_ref:
        raise OtherMember("A member's token speaks for that member only.")


def mint_token(
    key: TokenKey,
    *,
    issuer: str,
    audience: str,
    subject: str,
    scopes: Iterable[str],
    lifetime_s: int = 3_600,
    now_s: float | None = None,
) -> str:
    """Sign an access token.

    Args:
        key: a key with its private part.
        lifetime_s: seconds until it expires.

    Raises:
        ValueError: the key has no private part, or a scope does not exist.
    """
    unknown = sorted(set(scopes) - SCOPES.keys())
    if unknown or key.signing is None:
        raise ValueError(f"no such scope: {', '.join(unknown)}" if unknown else "a public key")
    issued = int(time.time() if now_s is None else now_s)
    claims = {
        "iss": issuer,
        "aud": audience,
        "sub": subject,
        "scope": " ".join(sorted(set(scopes))),
        "iat": issued,
        "exp": issued + lifetime_s,
    }
    head = {"kid": key.kid, "typ": "at+jwt"}
    return jwt.encode(claims, key.signing, algorithm=key.algorithm, headers=head)
