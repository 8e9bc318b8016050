"""Who calls: every fault of a token, and whom a good one speaks for."""

import hmac
import json
import stat
import time
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from loyalty_service.kit.auth import LEEWAY_SECONDS, TokenVerifier, mint_token, require_scope
from loyalty_service.kit.denials import OtherMember, ScopeMissing, TokenRefused
from loyalty_service.kit.keys import (
    AddressKeys,
    FileKeys,
    KeyFault,
    KeysUnavailable,
    create_key_file,
    open_keys,
    read_key_set,
)

NOW = 1_800_000_000.0
SECRET = b"0123456789abcdef0123456789abcdef"


def secret_jwk(kid: str = "main", secret: bytes = SECRET, **more: Any) -> dict[str, Any]:
    text = urlsafe_b64encode(secret).rstrip(b"=").decode()
    return {"kty": "oct", "kid": kid, "alg": "HS256", "k": text, **more}


def key_set(*keys: dict[str, Any]) -> str:
    return json.dumps({"keys": keys})


class Hand:
    """A clock that tests turn."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> float:
        return self.at


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def path(tmp_path: Path, rsa_key: rsa.RSAPrivateKey) -> Path:
    public = RSAAlgorithm.to_jwk(rsa_key.public_key(), as_dict=True)
    file = tmp_path / "keys.json"
    file.write_text(key_set(secret_jwk(), {**public, "kid": "rsa", "alg": "RS256"}))
    return file


@pytest.fixture
def keys(path: Path, hand: Hand) -> FileKeys:
    return FileKeys(path, monotonic=hand)


@pytest.fixture
def verifier(keys: FileKeys, hand: Hand) -> TokenVerifier:
    return TokenVerifier(keys, issuer="us", audience="loyalty", now=hand)


def token(
    head: dict[str, Any] | None = None,
    *,
    key: Any = SECRET,
    algorithm: str = "HS256",
    without: str = "",
    **claims: Any,
) -> str:
    said = {"iss": "us", "aud": "loyalty", "sub": "shop-1", "scope": "checkout"}
    said |= {"iat": NOW - 60, "exp": NOW + 60, **claims}
    said.pop(without, None)
    head = {"typ": "at+jwt", "kid": "main", **(head or {})}
    return jwt.PyJWS().encode(json.dumps(said).encode(), key, algorithm=algorithm, headers=head)


def refusal_of(verifier: TokenVerifier, header: str | None) -> str:
    with pytest.raises(TokenRefused) as caught:
        verifier.prove(header)
    assert "WWW-Authenticate" in caught.value.headers
    return caught.value.code


def test_a_good_token_names_its_caller(verifier: TokenVerifier) -> None:
    caller = verifier.prove(f"Bearer {token()}")

    assert (caller.kind, caller.name, caller.scopes) == ("storefront", "shop-1", {"checkout"})
    assert verifier.prove(f"bearer {token()}") == caller


def test_a_token_may_name_several_audiences(verifier: TokenVerifier) -> None:
    assert verifier.prove(f"Bearer {token(aud=['other', 'loyalty'])}")


@pytest.mark.parametrize("header", [None, "", "Basic x", "Bearer", "token"])
def test_no_bearer_token_is_a_missing_token(verifier: TokenVerifier, header: str | None) -> None:
    assert refusal_of(verifier, header) == "token_missing"


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"exp": NOW - LEEWAY_SECONDS}, "token_expired"),
        ({"exp": 0}, "token_expired"),
        ({"nbf": NOW + LEEWAY_SECONDS + 1}, "token_not_yet_valid"),
        ({"iat": NOW + LEEWAY_SECONDS + 1}, "token_not_yet_valid"),
        ({"iss": "them"}, "token_wrong_issuer"),
        ({"iss": ["us"]}, "token_wrong_issuer"),
        ({"aud": "else"}, "token_wrong_audience"),
        ({"aud": []}, "token_wrong_audience"),
        ({"aud": "loyalty-test"}, "token_wrong_audience"),
        ({"exp": "tomorrow"}, "token_malformed"),
        ({"exp": True}, "token_malformed"),
        ({"exp": 1e300}, "token_malformed"),
        ({"nbf": None}, "token_malformed"),
        ({"scope": ["checkout"]}, "token_malformed"),
        ({"scope": ""}, "token_malformed"),
        ({"sub": ""}, "token_malformed"),
        ({"sub": "a\0b"}, "token_malformed"),
        ({"sub": "a\n\x1b[31mb"}, "token_malformed"),
        ({"sub": "\ufffe"}, "token_malformed"),
        ({"sub": "x" * 201}, "token_malformed"),
    ],
)
def test_a_claim_that_does_not_hold_is_named(
    verifier: TokenVerifier, claims: dict[str, Any], code: str
) -> None:
    assert refusal_of(verifier, f"Bearer {token(**claims)}") == code


@pytest.mark.parametrize("claim", ["iss", "aud", "exp", "iat", "sub", "scope"])
def test_every_claim_is_needed(verifier: TokenVerifier, claim: str) -> None:
    assert refusal_of(verifier, f"Bearer {token(without=claim)}") == "token_malformed"


@pytest.mark.parametrize(
    ("head", "code"),
    [
        ({"typ": "JWT"}, "token_wrong_type"),
        ({"typ": None}, "token_wrong_type"),
        ({"kid": "gone"}, "token_unknown_key"),
        ({"kid": None}, "token_unknown_key"),
        ({"crit": ["exp"]}, "token_malformed"),
        ({"b64": False}, "token_malformed"),
    ],
)
def test_a_header_that_does_not_hold_is_named(
    verifier: TokenVerifier, head: dict[str, Any], code: str
) -> None:
    kept = {name: value for name, value in head.items() if value is not None}
    text = token(kept)
    for name in head.keys() - kept.keys():
        text = with_header(text, name)

    assert refusal_of(verifier, f"Bearer {text}") == code


def with_header(text: str, without: str, **more: Any) -> str:
    head = {"typ": "at+jwt", "kid": "main", "alg": "HS256", **more}
    head.pop(without, None)
    raw = urlsafe_b64encode(json.dumps(head).encode()).rstrip(b"=").decode()
    return f"{raw}.{text.partition('.')[2]}"


def test_a_token_of_another_key_is_a_bad_signature(verifier: TokenVerifier) -> None:
    assert refusal_of(verifier, f"Bearer {token(key=b'x' * 32)}") == "token_bad_signature"


def test_a_changed_token_is_a_bad_signature(verifier: TokenVerifier) -> None:
    head, body, signature = token().split(".")
    other = urlsafe_b64encode(b'{"sub":"operator"}').rstrip(b"=").decode()

    assert refusal_of(verifier, f"Bearer {head}.{other}.{signature}") == "token_bad_signature"
    assert refusal_of(verifier, f"Bearer {head}.{body}.") == "token_bad_signature"


@pytest.mark.parametrize("algorithm", ["none", "None", "HS512", "RS256"])
def test_the_key_decides_the_algorithm_and_not_the_token(
    verifier: TokenVerifier, algorithm: str
) -> None:
    head = {"typ": "at+jwt", "kid": "main", "alg": algorithm}
    raw = urlsafe_b64encode(json.dumps(head).encode()).rstrip(b"=").decode()
    text = f"{raw}.{token().split('.')[1]}."

    assert refusal_of(verifier, f"Bearer {text}") == "token_wrong_algorithm"


def test_a_public_key_is_no_shared_secret(
    verifier: TokenVerifier, rsa_key: rsa.RSAPrivateKey
) -> None:
    public = json.dumps(RSAAlgorithm.to_jwk(rsa_key.public_key(), as_dict=True)).encode()
    signed = with_header(token(), "", kid="rsa").rpartition(".")[0]
    mac = hmac.digest(public, signed.encode(), "sha256")
    text = f"{signed}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}"

    assert refusal_of(verifier, f"Bearer {text}") == "token_wrong_algorithm"
    assert verifier.prove(f"Bearer {token({'kid': 'rsa'}, key=rsa_key, algorithm='RS256')}")


@pytest.mark.parametrize(
    "text",
    ["x", "a.b.c", "....", "é.é.é", "e30.e30.", "A" * 10_000, "\udcff.a.b", "bnVsbA.bnVsbA.", " "],
)
def test_garbage_is_a_malformed_token(verifier: TokenVerifier, text: str) -> None:
    assert refusal_of(verifier, f"Bearer {text}") in ("token_malformed", "token_unknown_key")


def test_a_token_that_was_good_ends_at_its_time(verifier: TokenVerifier, hand: Hand) -> None:
    text = f"Bearer {token()}"
    verifier.prove(text)

    hand.at = NOW + 60 + LEEWAY_SECONDS

    assert refusal_of(verifier, text) == "token_expired"


def test_a_key_taken_out_of_the_file_ends_its_tokens(
    verifier: TokenVerifier, path: Path, hand: Hand
) -> None:
    verifier.prove(f"Bearer {token()}")

    path.write_text(key_set(secret_jwk("next")))
    hand.at += 1

    assert refusal_of(verifier, f"Bearer {token()}") == "token_unknown_key"
    assert verifier.prove(f"Bearer {token({'kid': 'next'})}")


def test_a_key_replaced_under_its_name_ends_its_tokens(
    verifier: TokenVerifier, path: Path, hand: Hand
) -> None:
    verifier.prove(f"Bearer {token()}")

    path.write_text(key_set(secret_jwk(secret=b"y" * 40)))
    hand.at += 1

    assert refusal_of(verifier, f"Bearer {token()}") == "token_bad_signature"


def test_a_file_broken_later_keeps_the_keys_it_had(
    verifier: TokenVerifier, path: Path, hand: Hand
) -> None:
    path.write_text("{")
    hand.at += 1
    assert verifier.prove(f"Bearer {token()}")

    path.unlink()
    hand.at += 1
    assert verifier.prove(f"Bearer {token()}")


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("{}", '"keys"'),
        ("[]", '"keys"'),
        ('{"keys": [1]}', "list of objects"),
        (key_set(), "no signing key"),
        (key_set(secret_jwk(secret=b"short")), "32 bytes"),
        (key_set(secret_jwk(), secret_jwk()), "two keys"),
        (key_set({**secret_jwk(), "kid": 5}), '"kid"'),
        (key_set(secret_jwk(alg="RS256")), "alg must be"),
        (key_set(secret_jwk(alg="none")), "alg must be"),
        (key_set({"kty": "EC", "kid": "x"}), "alg must be"),
        (key_set({"kty": "RSA", "kid": "x", "n": "!", "e": "AQAB"}), "cannot be read"),
        (key_set({"kty": "zzz", "kid": "x"}), "kty"),
    ],
)
def test_a_key_set_that_cannot_be_used_says_why(document: str, said: str) -> None:
    with pytest.raises(KeyFault, match=said):
        read_key_set(document)


def test_an_rsa_key_must_be_long_enough() -> None:
    short = rsa.generate_private_key(65537, 1024)
    jwk = RSAAlgorithm.to_jwk(short.public_key(), as_dict=True)

    with pytest.raises(KeyFault, match="2048"):
        read_key_set(key_set({**jwk, "kid": "x", "alg": "RS256"}))


def test_a_curve_must_be_the_one_of_its_algorithm() -> None:
    jwk = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key(), as_dict=True)

    assert read_key_set(key_set({**jwk, "kid": "x", "alg": "ES256"}))
    with pytest.raises(KeyFault):
        read_key_set(key_set({**jwk, "kid": "x", "alg": "ES384"}))


def test_an_encryption_key_proves_nothing() -> None:
    found = read_key_set(key_set(secret_jwk(), secret_jwk("enc", use="enc")))

    assert list(found) == ["main"]


def test_a_missing_file_is_told_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(KeyFault, match="nowhere"):
        open_keys(str(tmp_path / "nowhere.json"))


class Address:
    """A key set at an address, which tests change and take away."""

    def __init__(self, document: str) -> None:
        self.document: str | None = document
        self.asked = 0

    def __call__(self, _address: str) -> bytes:
        self.asked += 1
        if self.document is None:
            raise OSError("away")
        return self.document.encode()


@pytest.fixture
def address(rsa_key: rsa.RSAPrivateKey) -> Address:
    public = RSAAlgorithm.to_jwk(rsa_key.public_key(), as_dict=True)
    return Address(key_set({**public, "kid": "rsa"}))


def test_an_unknown_key_makes_for_one_fetch_in_ten_seconds(address: Address, hand: Hand) -> None:
    keys = AddressKeys("https://keys.example/jwks", address, hand)
    assert keys.find("rsa")

    for _ in range(50):
        assert keys.find("unheard-of") is None
    assert address.asked == 1

    hand.at += 10
    assert keys.find("unheard-of") is None
    assert address.asked == 2


def test_an_address_that_is_away_keeps_the_keys_it_gave(address: Address, hand: Hand) -> None:
    keys = AddressKeys("https://keys.example/jwks", address, hand)
    assert keys.find("rsa")

    address.document = None
    hand.at += 1_000

    assert keys.find("rsa")
    assert address.asked == 2


def test_an_address_that_never_answered_leaves_the_question_open(
    address: Address, hand: Hand
) -> None:
    given, address.document = address.document, None
    keys = AddressKeys("https://keys.example/jwks", address, hand)
    with pytest.raises(KeysUnavailable):
        keys.find("rsa")

    address.document = given
    hand.at += 10
    assert keys.find("rsa")


def test_an_address_publishes_no_secrets(hand: Hand) -> None:
    keys = AddressKeys("https://keys.example/jwks", Address(key_set(secret_jwk())), hand)

    with pytest.raises(KeysUnavailable):
        keys.find("main")


def test_keys_are_fetched_over_https_only() -> None:
    with pytest.raises(KeyFault, match="https"):
        open_keys("http://keys.example/jwks")


def test_a_call_takes_any_one_of_its_scopes(verifier: TokenVerifier) -> None:
    caller = verifier.prove(f"Bearer {token(scope='checkout import unheard-of')}")

    require_scope(caller, ("members", "checkout"), "shop:1")
    with pytest.raises(ScopeMissing) as caught:
        require_scope(caller, ("operator", "members"), "shop:1")
    assert caught.value.values == {"needed": ["members", "operator"]}
    assert 'scope="members operator"' in caught.value.headers["WWW-Authenticate"]


@pytest.mark.parametrize("sub", ["42", "shop:42"])
def test_a_member_speaks_for_themselves_only(verifier: TokenVerifier, sub: str) -> None:
    caller = verifier.prove(f"Bearer {token(scope='self', sub=sub)}")

    assert caller.kind == "member"
    require_scope(caller, ("members", "self"), "shop:42")
    for other in ("shop:43", "wechat:42", None):
        with pytest.raises(OtherMember):
            require_scope(caller, ("members", "self"), other)


def test_a_scope_that_the_call_does_not_take_opens_no_other_member(
    verifier: TokenVerifier,
) -> None:
    caller = verifier.prove(f"Bearer {token(scope='self operator', sub='42')}")

    with pytest.raises(OtherMember):
        require_scope(caller, ("members", "self"), "shop:43")


@pytest.mark.parametrize(
    ("scope", "kind"),
    [
        ("operator checkout", "operator"),
        ("import", "import"),
        ("members", "storefront"),
        ("self", "member"),
        ("nothing", "storefront"),
    ],
)
def test_what_a_caller_is_follows_from_the_scopes(
    verifier: TokenVerifier, scope: str, kind: str
) -> None:
    assert verifier.prove(f"Bearer {token(scope=scope)}").kind == kind


def test_a_development_key_signs_and_is_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "var" / "keys.json"
    create_key_file(file)
    keys = FileKeys(file)
    key = keys.find("dev")
    assert key is not None

    text = mint_token(key, issuer="us", audience="loyalty", subject="1", scopes=["self"])

    verifier = TokenVerifier(keys, issuer="us", audience="loyalty")
    assert verifier.prove(f"Bearer {text}").member_ref == "shop:1"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        create_key_file(file)
    with pytest.raises(ValueError, match="no such scope"):
        mint_token(key, issuer="us", audience="loyalty", subject="1", scopes=["everything"])


def test_a_public_key_signs_nothing(keys: FileKeys) -> None:
    key = keys.find("rsa")
    assert key is not None

    with pytest.raises(ValueError, match="public key"):
        mint_token(key, issuer="us", audience="loyalty", subject="1", scopes=["self"])


def test_ten_thousand_proved_tokens_are_remembered_and_no_more(
    verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loyalty_service.kit.auth.CACHED_TOKENS", 5)
    began = time.monotonic()

    for sub in range(20):
        verifier.prove(f"Bearer {token(sub=str(sub))}")

    assert len(verifier._proved) == 5
    assert time.monotonic() - began < 5
