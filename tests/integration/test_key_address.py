"""Keys from an https address: a real server, a real certificate."""

import datetime
import ipaddress
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from jwt.algorithms import ECAlgorithm

from loyalty_service.kit.keys import LARGEST_KEY_SET_BYTES, AddressKeys, KeyFault, fetch_over_https

KEY = ec.generate_private_key(ec.SECP256R1())
KEY_SET = json.dumps(
    {"keys": [{**ECAlgorithm.to_jwk(KEY.public_key(), as_dict=True), "kid": "a", "alg": "ES256"}]}
).encode()


class Publisher(BaseHTTPRequestHandler):
    """Answers by path."""

    def do_GET(self) -> None:
        self.send_response(302 if self.path == "/moved" else 200)
        if self.path == "/moved":
            self.send_header("Location", "/jwks")
        self.end_headers()
        self.wfile.write(b" " * (LARGEST_KEY_SET_BYTES + 1) if self.path == "/long" else KEY_SET)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def write_certificate(path: Path) -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(KEY, hashes.SHA256())
    )
    private = KEY.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("tls") / "server.pem"
    write_certificate(path)
    return path


@pytest.fixture(scope="module")
def address(certificate: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Publisher)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_keys_are_read_from_an_address(
    address: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    key = AddressKeys(f"{address}/jwks").find("a")

    assert key is not None
    assert key.algorithm == "ES256"


@pytest.mark.parametrize("path", ["/moved", "/long"])
def test_what_is_moved_or_endless_is_not_read(
    address: str, certificate: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    with pytest.raises(KeyFault):
        fetch_over_https(address + path)


def test_a_certificate_nobody_vouches_for_is_refused(address: str) -> None:
    with pytest.raises(urllib3.exceptions.HTTPError):
        fetch_over_https(f"{address}/jwks")
