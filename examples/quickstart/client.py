"""Asking a server from a chosen address, over UDP and TCP."""

from __future__ import annotations

import secrets
import socket
import struct

import msgspec

from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query, Transport
from dnspolicy.model.rr import type_number
from dnspolicy.wire.message import Response, decode_response, encode_query
from examples.quickstart.questions import Question

PATIENCE = 5.0
"""Seconds to wait for an answer."""
_SIZE = 1232
_LENGTH = struct.Struct("!H")


class Asked(msgspec.Struct, frozen=True):
    """What came back, and the port it was asked from; no response when none came."""

    port: int
    response: Response | None


def ask(question: Question, server: tuple[str, int]) -> Asked:
    """Ask once. Raises OSError when the address cannot be used or the server is not there."""
    name = from_text(question.name)
    query = Query(name, type_number(question.type), name)
    wire = encode_query(query, secrets.randbelow(1 << 16), _SIZE)
    ways = {Transport.UDP: _over_udp, Transport.TCP: _over_tcp}
    port, reply = ways[question.transport](wire, question.source, server)
    return Asked(port, decode_response(reply) if reply else None)


def _over_udp(wire: bytes, source: str, server: tuple[str, int]) -> tuple[int, bytes]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE)
        sock.bind((source, 0))
        sock.connect(server)
        sock.send(wire)
        port = sock.getsockname()[1]
        try:
            return port, sock.recv(65_535)
        except TimeoutError:
            return port, b""


def _over_tcp(wire: bytes, source: str, server: tuple[str, int]) -> tuple[int, bytes]:
    with socket.create_connection(server, PATIENCE, source_address=(source, 0)) as sock:
        port = sock.getsockname()[1]
        sock.sendall(_LENGTH.pack(len(wire)) + wire)
        with sock.makefile("rb") as stream:
            head = stream.read(_LENGTH.size)
            return port, stream.read(*_LENGTH.unpack(head)) if len(head) == _LENGTH.size else b""
