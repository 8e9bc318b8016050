"""Clients that are slow, silent or hold on: none of them keeps the others from being served."""

import socket
import struct
import time
from http.client import HTTPConnection

import pytest

from tests.webs import PATIENCE, REQUEST_SECONDS, Web, dripping, read_all

HALF = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: "


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    with Web(tmp_path_factory.mktemp("web")).running() as web:
        yield web


def test_a_header_that_is_never_finished_ends_and_others_are_served(web):
    with web.connect() as slow:
        slow.sendall(HALF)

        assert web.get().startswith(b"HTTP/1.1 200 ")

        answer = read_all(slow)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"malformed"' in answer


def test_a_header_that_drips_gains_no_time(web):
    with web.connect() as slow:
        slow.sendall(HALF)
        with dripping(slow, lambda _: b"a"):
            assert web.get().startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("length", "begun", "drop"),
    [
        ("Content-Length: 5000", b"{", b" "),
        ("Transfer-Encoding: chunked", b"1\r\n{\r\n", b"1\r\n \r\n"),
        ("Transfer-Encoding: chunked", b"ff\r\n{", b" "),
    ],
    ids=["with a length", "in chunks", "in one chunk"],
)
def test_a_body_that_drips_is_refused_and_others_are_served(web, length, begun, drop):
    with web.connect() as slow:
        slow.sendall(web.post(f"{length}\r\n", begun))
        with dripping(slow, lambda _: drop):
            assert web.get().startswith(b"HTTP/1.1 200 ")
            answer = read_all(slow)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"Connection: close" in answer
    assert b'"code":"malformed"' in answer
    assert "internal_fault" not in web.said()


def test_a_body_that_nobody_reads_may_drip_no_longer_either(web):
    with web.connect() as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n{")
        with dripping(slow, lambda _: b" "):
            assert web.get().startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("length", ["Content-Length: 5000", "Transfer-Encoding: chunked"])
def test_a_body_cut_off_by_a_client_that_leaves_is_no_fault_of_the_service(web, length):
    with web.connect() as client:
        client.sendall(web.post(f"{length}\r\n", b"3\r\n{"))
        client.shutdown(1)
        answer = read_all(client)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert "internal_fault" not in web.said()


@pytest.mark.parametrize(
    ("rest", "body", "stays"),
    [
        ("Content-Length: 100000", b"{", False),
        ("Content-Length: 50000", b"x" * 50_000, True),
        ("Transfer-Encoding: chunked", b"1\r\n{\r\n", False),
    ],
    ids=["much", "little", "nobody knows how much"],
)
def test_an_answer_before_the_body_says_whether_the_connection_stays(web, rest, body, stays):
    with web.connect() as client:
        client.sendall(f"POST /v1/nowhere HTTP/1.1\r\nHost: x\r\n{rest}\r\n\r\n".encode() + body)
        if stays:
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answers = read_all(client)

    first, _, second = answers.partition(b"HTTP/1.1 200 ")
    assert first.startswith(b"HTTP/1.1 404 ")
    assert (b"Connection: keep-alive" if stays else b"Connection: close") in first
    assert bool(second) is stays


def test_a_connection_stays_after_a_body_in_chunks_that_was_read(web):
    with web.connect() as client:
        client.sendall(web.post("Transfer-Encoding: chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n"))
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        first, _, second = read_all(client).partition(b"HTTP/1.1 200 ")

    assert first.startswith(b"HTTP/1.1 400 ")
    assert b"Connection: keep-alive" in first
    assert second


def test_a_client_that_breaks_off_in_its_body_is_no_fault_of_the_service(web):
    with web.connect() as client:
        client.sendall(web.post("Content-Length: 5000\r\n", b"{"))
        # Closed like this the connection is reset.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    # The one thread serves them in turn.
    assert web.get().startswith(b"HTTP/1.1 200 ")
    assert "internal_fault" not in web.said()


def test_a_large_body_at_a_fair_pace_may_take_longer(web):
    pieces = 4 * REQUEST_SECONDS / 0.2
    with web.connect() as client:
        length = int(pieces) * 2_000
        client.sendall(f"POST /work HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n".encode())
        client.sendall(b"Connection: close\r\n\r\n")
        for _ in range(int(pieces)):
            client.sendall(b"x" * 2_000)
            time.sleep(0.2)

        assert read_all(client).endswith(b"x" * length)


def test_work_on_a_request_that_has_arrived_may_take_longer(web):
    answer = web.send(
        b"POST /work HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody"
    )

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"body")


def test_a_connection_may_rest_between_requests_for_longer(web):
    client = HTTPConnection("127.0.0.1", web.port, timeout=PATIENCE)
    client.request("GET", "/healthz")
    assert client.getresponse().read()
    used = client.sock

    # Each of these takes as long as a request may.
    for _ in range(2):
        assert web.send(HALF).startswith(b"HTTP/1.1 408 ")

    client.request("GET", "/healthz")
    assert client.getresponse().status == 200
    assert client.sock is used
    client.close()


def test_a_client_that_takes_nothing_of_a_long_answer_is_given_up(web):
    # Too much for what the kernel keeps on both sides.
    length = 20_000_000
    with web.connect() as client:
        client.sendall(f"POST /work HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n".encode())
        client.sendall(b"\r\n" + b"x" * length)

        assert web.get().startswith(b"HTTP/1.1 200 ")

    assert "Socket error" not in web.said()


def test_silent_connections_hold_no_thread_and_are_closed(web):
    # Each would hold the one thread for five seconds.
    silent = [web.connect() for _ in range(50)]

    assert web.get().startswith(b"HTTP/1.1 200 ")

    for each in silent:
        with each:
            assert read_all(each) == b""


def test_clients_that_hold_on_to_answered_connections_keep_nobody_waiting(web):
    # The loop would linger two seconds at each of them, and the last one lose its patience.
    held = [web.connect() for _ in range(30)]
    for each in held:
        each.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    for each in reversed(held):
        assert read_all(each).startswith(b"HTTP/1.1 200 ")
    assert web.get().startswith(b"HTTP/1.1 200 ")
    for each in held:
        each.close()
