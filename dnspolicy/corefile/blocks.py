"""Server blocks: keys read, and zones that are served twice found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from dnspolicy.corefile.complaints import Complaints, shown
from dnspolicy.corefile.tree import Directive, Key, Scheme, ServerBlock, Word
from dnspolicy.corefile.zones import zones
from dnspolicy.model.errors import BadName

MAX_PORT = 65535
MAX_KEYS = 10_000
"""Keys of one block, networks widened."""
EVERYWHERE = ""
"""Stands for all addresses, where there is no `bind`."""
_SCHEMES = tuple(f"{scheme}://" for scheme in Scheme)


def server_blocks(found: Iterable[Directive], default_port: int, complaints: Complaints) -> tuple[ServerBlock, ...]:
    """Statements as server blocks. Complains about keys, and about a zone that two blocks serve on one port."""
    blocks = []
    for statement in found:
        if not statement.braces:
            wrong = f"{shown(statement.name)} has no block"
            complaints.add(statement.at, wrong, expected='"{" after the keys of a server')
            continue
        keys = tuple(islice(_keys(statement, default_port, complaints), MAX_KEYS))
        if len(keys) == MAX_KEYS:
            complaints.add(statement.at, f"{MAX_KEYS} keys or more of one block", expected="fewer")
        blocks.append(ServerBlock(keys, statement.options, statement.at))
    _check_overlaps(blocks, complaints)
    return tuple(block for block in blocks if block.keys)


def _keys(statement: Directive, default_port: int, complaints: Complaints) -> Iterator[Key]:
    words = (statement.head, *statement.words)
    if words[-1].text.endswith(","):
        complaints.add(words[-1].at, "no key follows the comma", expected="another key, or no comma")
    for word in words:
        text = word.text.removesuffix(",")
        if text:
            yield from _key(Word(text, word.at), default_port, complaints)
        elif word.text != ",":
            complaints.add(word.at, "a key is empty", expected="a zone, such as . or example.org:53")


def _key(word: Word, default_port: int, complaints: Complaints) -> Iterator[Key]:
    scheme, separator, rest = word.text.rpartition("://")
    if separator and f"{scheme.lower()}://" not in _SCHEMES:
        complaints.add(
            word.at,
            f"transport {shown(scheme)} is not supported",
            expected=" or ".join(_SCHEMES),
            word=f"{scheme}://",
            known=_SCHEMES,
        )
        return
    host, port = _split_port(rest, default_port)
    if not 0 <= port <= MAX_PORT:
        complaints.add(word.at, f"port {port} of {shown(word.text)} is out of range", expected=f"0 to {MAX_PORT}")
        return
    try:
        found = zones(host)
    except BadName as problem:
        complaints.add(word.at, f"{shown(word.text)} is not a key: {problem}", expected=_hint(host))
        return
    for zone in found:
        yield Key(zone, port, Scheme.DNS, word.at)


def _split_port(text: str, default_port: int) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if colon and port.isascii() and port.isdigit() and len(port) < 9:
        return host, int(port)
    return text, default_port


def _hint(host: str) -> str:
    if "{" in host:
        return 'a blank before "{"'
    if "," in host:
        return "a blank after the comma"
    return "a zone such as example.org, example.org:53 or 10.0.0.0/8"


def _check_overlaps(blocks: Iterable[ServerBlock], complaints: Complaints) -> None:
    """Two blocks may share zone and port only with `view`, or with `bind` to different addresses."""
    served: dict[str, dict[str, Key]] = {}
    for block in blocks:
        if any(directive.name == "view" for directive in block.directives):
            continue
        addresses = _bound(block)
        for key in block.keys:
            others = served.setdefault(str(key), {})
            rivals = [*others][:1] if EVERYWHERE in addresses else [a for a in (*addresses, EVERYWHERE) if a in others]
            if rivals:
                first = others[rivals[0]].at
                complaints.add(key.at, f"{key} is served twice; first at {first}", expected="each zone and port once")
            for address in addresses:
                others.setdefault(address, key)


def _bound(block: ServerBlock) -> tuple[str, ...]:
    return tuple(word.text for d in block.directives if d.name == "bind" for word in d.words) or (EVERYWHERE,)
