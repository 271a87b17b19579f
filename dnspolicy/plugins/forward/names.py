"""Host names of upstreams, looked up once when the server is built."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from dnspolicy.model.errors import BadName, ConfigError, WireError
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Type
from dnspolicy.plugins.forward.ids import Ids
from dnspolicy.plugins.forward.match import Expected, Match
from dnspolicy.plugins.forward.scrub import scrub
from dnspolicy.plugins.forward.upstreams import Upstream, parse_upstream
from dnspolicy.wire.message import OUR_SIZE, decode_response, encode_query
from dnspolicy.wire.rdata import addresses_in

PATIENCE = 2.0
"""Seconds a resolver may take for one question."""
_ROOM = 4096
_MOST_MESSAGES = 16


class LookUp:
    """Asks `resolvers` in turn, or the system's resolver when there are none. Blocks: for the start only.

    Names are absolute, no search list is walked. Raises ConfigError when a name has no addresses.
    """

    def __init__(self, resolvers: Sequence[str] = ()) -> None:
        self._resolvers = [parse_upstream(text) for text in resolvers]

    def __call__(self, host: str) -> tuple[str, ...]:
        try:
            found = self._ask(host) if self._resolvers else _ask_system(host)
        except (OSError, BadName) as problem:
            raise ConfigError(f"forward: {host!r} cannot be looked up: {problem}") from None
        if not found:
            raise ConfigError(f"forward: {host!r} has no addresses")
        return found

    def _ask(self, host: str) -> tuple[str, ...]:
        problem: OSError | None = None
        for resolver in self._resolvers:
            found: list[str] = []
            for qtype in (Type.A, Type.AAAA):
                try:
                    found += _ask_one(host, qtype, resolver)
                except OSError as error:
                    problem = OSError(f"{resolver.text}: {error}")
            if found:
                return tuple(dict.fromkeys(found))
        if problem is not None:
            raise problem
        return ()


def _ask_system(host: str) -> tuple[str, ...]:
    absolute = host if host.endswith(".") else f"{host}."
    found = socket.getaddrinfo(absolute, None, type=socket.SOCK_DGRAM)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


def _ask_one(host: str, qtype: Type, resolver: Upstream) -> list[str]:
    """The addresses one resolver tells. Raises OSError."""
    name = from_text(host)
    query = Query(name, int(qtype), name)
    wire = encode_query(query, Ids().take(), OUR_SIZE)
    expected = Expected(wire, len(name.wire))
    with socket.socket(resolver.family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE)
        sock.connect((resolver.ip, resolver.port))
        sock.send(wire)
        for _ in range(_MOST_MESSAGES):
            heard = sock.recv(_ROOM)
            if expected.match(heard) is not Match.ANSWER:
                continue
            try:
                answer, _authority = scrub(name, int(qtype), decode_response(heard, name), proofs=False)
            except WireError:
                continue
            return [address for record in answer for address in addresses_in(record)]
    raise OSError("it said nothing that answers the question")
