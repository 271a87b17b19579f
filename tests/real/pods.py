"""Clients that are pods: they ask from the pod's address, all the time, and note every answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import dns.exception
import dns.message
import dns.query
import dns.rcode
import msgspec

PATIENCE = 5.0
"""Seconds that a resolver waits for an answer before it gives a query up."""


class Question(msgspec.Struct, frozen=True):
    source: str
    name: str


class Noted(msgspec.Struct, frozen=True):
    """One question and what came: NOERROR with addresses, another code, or nothing (`code` empty)."""

    question: Question
    sent: float
    received: float
    code: str = ""
    addresses: frozenset[str] = frozenset()


def ask(server: str, question: Question, port: int = 53) -> Noted:
    """One question for addresses, over TCP when it does not fit."""
    query = dns.message.make_query(question.name, "A", use_edns=0)
    sent = time.monotonic()
    try:
        reply, _ = dns.query.udp_with_fallback(query, server, PATIENCE, port, question.source)
    except (dns.exception.DNSException, OSError):
        return Noted(question, sent, time.monotonic())
    found = frozenset(rdata.to_text() for rrset in reply.answer for rdata in rrset)
    return Noted(question, sent, time.monotonic(), dns.rcode.to_text(reply.rcode()), found)


class Askers:
    """A few threads that ask what `choose` says until the block ends; `noted` has it all."""

    def __init__(self, server: str, choose: Callable[[], Question], count: int = 2) -> None:
        self.noted: list[Noted] = []
        self._server = server
        self._choose = choose
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(count)]

    def __enter__(self) -> Askers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while not self._over.is_set():
            self.noted.append(ask(self._server, self._choose()))
            time.sleep(0.001)
