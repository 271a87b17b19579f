"""A client on a loopback address of its own: one question, one reply."""

from __future__ import annotations

import asyncio
import socket
from typing import NamedTuple

import dns.flags
import dns.message
import dns.rdataclass
import dns.rdatatype

PATIENCE = 8.0
"""Seconds; the server answers within five."""
SILENCE = None


class Asked(NamedTuple):
    """A reply (None: silence) and the port the question came from."""

    reply: dns.message.Message | None
    port: int


async def ask(source: str, server: tuple[str, int], question: tuple[str, str], over: str = "udp") -> Asked:
    """Ask `(type, name)`. Over UDP a message that is known to be refused follows: what it overtakes was dropped."""
    kind, name = question
    message = dns.message.make_query(name, kind, use_edns=0, payload=1232)
    if over == "tcp":
        return await _over_tcp(source, server, message)
    return await _over_udp(source, server, message)


async def _over_udp(source: str, server: tuple[str, int], message: dns.message.Message) -> Asked:
    loop = asyncio.get_running_loop()
    with socket.socket(_family(source), socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
        sock.bind((source, 0))
        sock.connect(server)
        await loop.sock_sendall(sock, message.to_wire())
        port: int = sock.getsockname()[1]
        async with asyncio.timeout(PATIENCE):
            return Asked(_answer_to(message, await loop.sock_recv(sock, 65535)), port)


async def ask_in_vain(source: str, server: tuple[str, int], question: tuple[str, str]) -> Asked:
    """Ask a question that is to be dropped, then one of class CH, which is always refused at once.

    The first thing to come back is the answer to the first question, or silence when it is that to the second.
    """
    kind, name = question
    message = dns.message.make_query(name, kind, use_edns=0, payload=1232)
    after = dns.message.make_query("id.server", dns.rdatatype.TXT, dns.rdataclass.CH)
    loop = asyncio.get_running_loop()
    with socket.socket(_family(source), socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
        sock.bind((source, 0))
        sock.connect(server)
        port: int = sock.getsockname()[1]
        await loop.sock_sendall(sock, message.to_wire())
        await loop.sock_sendall(sock, after.to_wire())
        async with asyncio.timeout(PATIENCE):
            wire = await loop.sock_recv(sock, 65535)
    silent = int.from_bytes(wire[:2], "big") == after.id
    return Asked(None if silent else _answer_to(message, wire), port)


async def _over_tcp(source: str, server: tuple[str, int], message: dns.message.Message) -> Asked:
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection(*server, local_addr=(source, 0))
        try:
            wire = message.to_wire()
            writer.write(len(wire).to_bytes(2, "big") + wire)
            size = int.from_bytes(await reader.readexactly(2), "big")
            reply = _answer_to(message, await reader.readexactly(size))
            return Asked(reply, writer.get_extra_info("sockname")[1])
        finally:
            writer.close()
            await writer.wait_closed()


def _answer_to(message: dns.message.Message, wire: bytes) -> dns.message.Message:
    reply = dns.message.from_wire(wire, one_rr_per_rrset=True)
    assert reply.id == message.id, "another id came back"
    assert reply.flags & dns.flags.QR, "the reply is no reply"
    assert [q.to_text() for q in reply.question] == [q.to_text() for q in message.question], "another question"
    return reply


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET
