"""Every way in which a caller is turned away: 401 for who they are, 403 for what they may do."""

from typing import ClassVar

from loyalty_service.kit.errors import Denied, Unauthenticated


class TokenRefused(Unauthenticated):
    """The token does not prove who calls."""

    code = "token_refused"
    error: ClassVar[str] = ' error="invalid_token",'

    @property
    def headers(self) -> dict[str, str]:
        """What the client must send instead (RFC 6750)."""
        return {"WWW-Authenticate": f'Bearer realm="loyalty",{self.error} code="{self.code}"'}


class TokenMissing(TokenRefused):
    """No `Authorization: Bearer ...` was sent."""

    code = "token_missing"
    error = ""


class TokenMalformed(TokenRefused):
    """It is no JWT, or lacks a claim; `claim` names it."""

    code = "token_malformed"


class TokenUnknownKey(TokenRefused):
    """No key of the key set has the token's `kid`."""

    code = "token_unknown_key"


class TokenWrongAlgorithm(TokenRefused):
    """The token's `alg` is not the one of its key."""

    code = "token_wrong_algorithm"


class TokenWrongType(TokenRefused):
    """The token's `typ` is not `at+jwt`."""

    code = "token_wrong_type"


class TokenBadSignature(TokenRefused):
    """The signature does not fit."""

    code = "token_bad_signature"


class TokenWrongIssuer(TokenRefused):
    """Somebody else issued the token."""

    code = "token_wrong_issuer"


class TokenWrongAudience(TokenRefused):
    """The token is meant for another service."""

    code = "token_wrong_audience"


class TokenExpired(TokenRefused):
    """The token's time is over; get a new one."""

    code = "token_expired"


class TokenNotYetValid(TokenRefused):
    """The token's time has not begun, or it was issued in the future."""

    code = "token_not_yet_valid"


class ScopeMissing(Denied):
    """The token has none of the scopes this call takes; `needed` names them."""

    code = "scope_missing"

    @property
    def headers(self) -> dict[str, str]:
        """Which scopes would do (RFC 6750)."""
        needed = " ".join(self.values["needed"])
        return {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{needed}"'}


class OtherMember(Denied):
    """A member's token speaks for that member only."""

    code = "other_member"


TOKEN_REFUSALS = (
    TokenMissing,
    TokenMalformed,
    TokenUnknownKey,
    TokenWrongAlgorithm,
    TokenWrongType,
    TokenBadSignature,
    TokenWrongIssuer,
    TokenWrongAudience,
    TokenExpired,
    TokenNotYetValid,
)
