"""Keys that prove tokens: from a JWKS file or an https address, one algorithm for each.

A key names its algorithm itself, never the token. Keys rotate without a restart: a file is read
again when it changes, an address every few minutes and once when a token names a key not seen.
"""

import json
import secrets
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import urllib3
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from loyalty_service.kit.logs import log

SHORTEST_SECRET_BYTES = 32
SHORTEST_RSA_BITS = 2048
LARGEST_KEY_SET_BYTES = 1_000_000
LOOK_SECONDS = 1.0
"""How often a file is looked at for changes; how long a removed key may still count."""
FETCH_SECONDS = 300.0
RETRY_SECONDS = 10.0
"""The least time between two fetches, however many tokens name unknown keys."""

CURVES = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}
DEFAULTS = {"oct": "HS256", "RSA": "RS256", "OKP": "EdDSA"}
FAMILIES = {
    "oct": ("HS256", "HS384", "HS512"),
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "EC": tuple(CURVES),
    "OKP": ("EdDSA",),
}


class KeyFault(Exception):
    """The key set cannot be used; the message says which key and why."""


class KeysUnavailable(Exception):
    """The key set could not be fetched, and none was fetched before."""


@dataclass(frozen=True, slots=True, eq=False)
class TokenKey:
    """One key: its name, its only algorithm, and the material that verifies."""

    kid: str
    algorithm: str
    verifying: Any
    signing: Any | None


def read_key_set(text: str | bytes, *, secrets_allowed: bool = True) -> dict[str, TokenKey]:
    """Read a JWKS document.

    Args:
        text: the document.
        secrets_allowed: False for a document from an address, where a shared secret is no secret.

    Raises:
        KeyFault: it is no JWKS, two keys share a name, a key is too short, or a key's algorithm
            is missing, unknown or of another family.
    """
    try:
        listed = json.loads(text)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise KeyFault('a key set is a JSON object {"keys": [...]}') from None
    if not isinstance(listed, list) or not all(isinstance(jwk, dict) for jwk in listed):
        raise KeyFault('"keys" must be a list of objects')
    keys: dict[str, TokenKey] = {}
    for jwk in listed:
        if jwk.get("use", "sig") != "sig":
            continue
        key = _read_key(jwk)
        if key.kid in keys:
            raise KeyFault(f"two keys are named {key.kid!r}")
        if not secrets_allowed and jwk.get("kty") == "oct":
            raise KeyFault(f"key {key.kid!r} is a shared secret; an address must not publish one")
        keys[key.kid] = key
    if not keys:
        raise KeyFault("the key set has no signing key")
    return keys


def _read_key(jwk: Mapping[str, Any]) -> TokenKey:
    kid, family = jwk.get("kid"), jwk.get("kty")
    if not isinstance(kid, str) or not 1 <= len(kid) <= 200:
        raise KeyFault('every key needs a name of 1 to 200 characters in "kid"')
    if family not in FAMILIES:
        raise KeyFault(f"key {kid!r}: unknown kty {family!r}")
    algorithm = jwk.get("alg", DEFAULTS.get(family))
    if algorithm not in FAMILIES[family]:
        allowed = ", ".join(FAMILIES[family])
        raise KeyFault(f"key {kid!r}: alg must be one of {allowed}, not {algorithm!r}")
    try:
        material = jwt.PyJWK(dict(jwk), algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        raise KeyFault(f"key {kid!r}: the key material cannot be read") from None
    _require_strength(kid, algorithm, material)
    private = isinstance(material, bytes) or hasattr(material, "public_key")
    verifying = material.public_key() if hasattr(material, "public_key") else material
    return TokenKey(kid, algorithm, verifying, material if private else None)


def _require_strength(kid: str, algorithm: str, material: Any) -> None:
    if isinstance(material, bytes) and len(material) < SHORTEST_SECRET_BYTES:
        raise KeyFault(f"key {kid!r}: a secret must have at least {SHORTEST_SECRET_BYTES} bytes")
    if isinstance(material, rsa.RSAPublicKey | rsa.RSAPrivateKey):
        if material.key_size < SHORTEST_RSA_BITS:
            raise KeyFault(f"key {kid!r}: an RSA key must have at least {SHORTEST_RSA_BITS} bits")
    elif algorithm in CURVES and not isinstance(material.curve, CURVES[algorithm]):
        raise KeyFault(f"key {kid!r}: {algorithm} needs another curve")


class FileKeys:
    """The keys of a JWKS file, read again when the file changes.

    A file that has become unreadable keeps the keys read before it and says so in the log.

    Raises:
        KeyFault: the file cannot be read, or not used, at the start.
    """

    def __init__(self, path: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._monotonic = monotonic
        self._looked_at = monotonic()
        try:
            self._stamp = self._look()
            self._keys = read_key_set(path.read_bytes())
        except OSError as error:
            raise KeyFault(f"the key file {path} cannot be read: {error.strerror}") from None
        except KeyFault as fault:
            raise KeyFault(f"the key file {path}: {fault}") from None

    def find(self, kid: str) -> TokenKey | None:
        """The key of that name as the file has it now, or None."""
        if self._monotonic() - self._looked_at >= LOOK_SECONDS:
            self._read_if_changed()
        return self._keys.get(kid)

    def _look(self) -> tuple[int, int, int]:
        found = self._path.stat()
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read_if_changed(self) -> None:
        self._looked_at = self._monotonic()
        try:
            stamp = self._look()
            if stamp != self._stamp:
                self._keys = read_key_set(self._path.read_bytes())
                self._stamp = stamp
                log.info("keys_read", keys=len(self._keys))
        except (OSError, KeyFault) as fault:
            log.error("keys_not_read", error=type(fault).__name__)


class AddressKeys:
    """The keys published at an https address.

    Raises:
        KeyFault: the address is not https.
    """

    def __init__(
        self,
        address: str,
        fetch: Callable[[str], bytes] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if not address.startswith("https://"):
            raise KeyFault("keys are fetched over https only")
        self._address = address
        self._fetch = fetch or fetch_over_https
        self._monotonic = monotonic
        self._fetched_at = float("-inf")
        self._keys: dict[str, TokenKey] | None = None
        self._fetching = threading.Lock()

    def find(self, kid: str) -> TokenKey | None:
        """The key of that name as published, or None.

        Raises:
            KeysUnavailable: the address has never answered with a usable key set.
        """
        age = self._monotonic() - self._fetched_at
        known = self._keys is not None and kid in self._keys
        if age >= FETCH_SECONDS or (not known and age >= RETRY_SECONDS):
            self._refresh()
        if self._keys is None:
            raise KeysUnavailable("the key set cannot be fetched")
        return self._keys.get(kid)

    def _refresh(self) -> None:
        # With keys in hand nobody waits for another thread's fetch; without, all wait for the one.
        if not self._fetching.acquire(blocking=self._keys is None):
            return
        try:
            if self._monotonic() - self._fetched_at < RETRY_SECONDS:
                return
            self._fetched_at = self._monotonic()
            self._keys = read_key_set(self._fetch(self._address), secrets_allowed=False)
        except (OSError, urllib3.exceptions.HTTPError, KeyFault) as fault:
            log.error("keys_not_fetched", error=type(fault).__name__)
        finally:
            self._fetching.release()


def fetch_over_https(address: str) -> bytes:
    """Fetch a small document, without redirects or retries, in at most a few seconds.

    Raises:
        KeyFault: the answer is not 200, or too long.
    """
    with urllib3.PoolManager(num_pools=1) as pool:
        answer = pool.request(
            "GET",
            address,
            timeout=urllib3.Timeout(connect=2, read=3),
            redirect=False,
            retries=False,
            preload_content=False,
        )
        text: bytes = answer.read(LARGEST_KEY_SET_BYTES + 1)
        answer.release_conn()
    if answer.status != 200 or len(text) > LARGEST_KEY_SET_BYTES:
        raise KeyFault(f"the address answered {answer.status} with {len(text)} bytes")
    return text


def open_keys(source: str) -> FileKeys | AddressKeys:
    """The keys at ``source``: an https address, or the path of a file.

    Raises:
        KeyFault: the file cannot be used, or the address is not https.
    """
    if "://" in source:
        return AddressKeys(source)
    return FileKeys(Path(source))


def create_key_file(path: Path, kid: str = "dev") -> None:
    """Write a new secret key for development, readable by its owner only.

    Raises:
        FileExistsError: there is a file already; it is left as it is.
    """
    secret = urlsafe_b64encode(secrets.token_bytes(SHORTEST_SECRET_BYTES)).rstrip(b"=").decode()
    jwk = {"kty": "oct", "kid": kid, "alg": "HS256", "use": "sig", "k": secret}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(json.dumps({"keys": [jwk]}, indent=2) + "\n")
