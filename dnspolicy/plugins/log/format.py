"""Formats: text with placeholders, made into a function of an outcome once."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from dnspolicy.chain.conditions import buffer_size
from dnspolicy.chain.metadata import Metadata, Subject
from dnspolicy.chain.observer import Outcome
from dnspolicy.model.answer import Answer
from dnspolicy.model.printable import escaped
from dnspolicy.model.query import Query
from dnspolicy.model.rr import class_text, rcode_text, type_text

NOTHING = "-"
"""Stands where there is no value."""
COMMON = (
    '{remote}:{port} - {>id} "{type} {class} {name} {proto} {size} {>do} {>bufsize}" '
    "{rcode} {>rflags} {rsize} {duration}"
)
COMBINED = COMMON + ' "{>opcode}"'
_PLACE = re.compile(r"\{[^{}]*\}")

Show = Callable[[Outcome], str]


def compiled(text: str, metadata: Metadata) -> Show:
    """The function that writes an outcome in a format. An unknown placeholder is text."""
    text = (text or COMMON).replace("{common}", COMMON).replace("{combined}", COMBINED)
    template, shows, at = "", [], 0
    for match in _PLACE.finditer(text):
        show = _show(match[0], metadata)
        if show is not None:
            template += _literal(text[at : match.start()]) + "%s"
            shows.append(show)
            at = match.end()
    template += _literal(text[at:])
    return lambda outcome: template % tuple([show(outcome) for show in shows])


def _show(place: str, metadata: Metadata) -> Show | None:
    if place.startswith("{/"):
        return partial(_label, metadata, place[2:-1])
    return _PLACES.get(place)


def _literal(text: str) -> str:
    return text.replace("%", "%%")


def _label(metadata: Metadata, label: str, outcome: Outcome) -> str:
    value = metadata.value(label, Subject(outcome.query, outcome.identity, outcome.reply))
    return escaped(value) or NOTHING


def _address(text: str) -> str:
    return f"[{text}]" if ":" in text else text


def _name(query: Query) -> str:
    return query.asked.dotted


def _rcode(outcome: Outcome) -> str:
    return rcode_text(outcome.reply.rcode) if isinstance(outcome.reply, Answer) else NOTHING


def _flags(outcome: Outcome) -> str:
    """The flags of the reply's header."""
    reply, query = outcome.reply, outcome.query
    if not isinstance(reply, Answer):
        return NOTHING
    rd = query.rd if reply.rd is None else reply.rd
    flags = ("aa", reply.aa), ("tc", reply.tc), ("rd", rd), ("ra", reply.ra), ("cd", query.cd)
    return ",".join(["qr", *(name for name, is_set in flags if is_set)])


_PLACES: dict[str, Show] = {
    "{type}": lambda o: type_text(o.query.qtype),
    "{name}": lambda o: _name(o.query),
    "{class}": lambda o: class_text(o.query.qclass),
    "{proto}": lambda o: o.query.transport.value,
    "{remote}": lambda o: _address(o.source),
    "{local}": lambda o: _address(o.server_ip),
    "{size}": lambda o: str(o.query.size),
    "{port}": lambda o: str(o.port),
    "{duration}": lambda o: f"{o.seconds:.9f}s",
    "{rcode}": _rcode,
    "{rsize}": lambda o: str(o.size),
    "{>rflags}": _flags,
    "{>bufsize}": lambda o: str(buffer_size(o.query)),
    "{>do}": lambda o: "true" if o.query.edns is not None and o.query.edns.do else "false",
    "{>id}": lambda o: str(o.query.id),
    "{>opcode}": lambda o: "0",
}
