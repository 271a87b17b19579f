"""The room: one line per query, in the default format of CoreDNS."""

from __future__ import annotations

from collections.abc import Callable

from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.observer import Outcome
from dnspolicy.model.answer import Answer, Reply
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query, Transport
from dnspolicy.model.rr import class_text, rcode_text, type_text
from dnspolicy.plugins.log.config import Config

_SMALLEST, _LARGEST = 512, 65535


class Log:
    """Writes a line for each query whose name lies in one of the zones.

    `write` gets whole lines with their newline; a line it cannot take (OSError, ValueError of a closed file) is counted
    as lost.
    """

    every = True

    def __init__(self, config: Config, *, write: Callable[[str], object], metrics: Metrics) -> None:
        self._zones = tuple(from_text(zone) for zone in config.zones)
        self._write = write
        self._lost = metrics.counter("dnspolicy_log_lines_lost_total", "Lines of the query log that were not written.")

    def seen(self, outcome: Outcome) -> None:
        name = outcome.query.asked
        if self._zones and not any(name.under(zone) for zone in self._zones):
            return
        try:
            self._write(line(outcome))
        except (OSError, ValueError):
            self._lost.inc()

    def repeated(self, outcome: Outcome, count: int, first: float, last: float, seconds: float) -> None:
        """Never called, as `every` is set."""


def line(outcome: Outcome) -> str:
    """`[INFO] IP:PORT - ID "TYPE CLASS NAME TRANSPORT SIZE DO BUFSIZE" RCODE FLAGS REPLYSIZE SECONDSs`."""
    query = outcome.query
    do = "true" if query.edns is not None and query.edns.do else "false"
    name = f"{query.asked}." if query.asked.labels else "."
    source = f"[{outcome.source}]" if ":" in outcome.source else outcome.source
    asked = f"{type_text(query.qtype)} {class_text(query.qclass)} {name}"
    return (
        f'[INFO] {source}:{outcome.port} - {query.id} "{asked} {query.transport} {query.size} {do} {_room(query)}" '
        f"{_verdict(outcome.reply, query)} {outcome.size} {outcome.seconds:.9f}s\n"
    )


def _room(query: Query) -> int:
    """Bytes that the client takes."""
    if query.transport is Transport.TCP:
        return _LARGEST
    return _SMALLEST if query.edns is None else max(_SMALLEST, query.edns.size)


def _verdict(reply: Reply, query: Query) -> str:
    """Rcode and header flags of the reply; dashes when there was none."""
    if not isinstance(reply, Answer):
        return "- -"
    flags = ("aa", reply.aa), ("tc", reply.tc), ("rd", query.rd), ("ra", reply.ra), ("cd", query.cd)
    return f"{rcode_text(reply.rcode)} {','.join(['qr', *(name for name, is_set in flags if is_set)])}"
