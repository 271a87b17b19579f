"""The front door: every query of every transport comes through here, and every check is made here."""

from __future__ import annotations

import traceback
from random import shuffle

from dnspolicy.chain.clock import Clock
from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.observer import Observer, Outcome
from dnspolicy.chain.rotate import variants
from dnspolicy.cluster.view import ClusterView
from dnspolicy.model.answer import Answer, EdeCode, Reply
from dnspolicy.model.errors import DnsPolicyError, WireError
from dnspolicy.model.identity import ClientKind
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Class, Rcode
from dnspolicy.server.blocks import Block, failed
from dnspolicy.server.caller import Caller
from dnspolicy.server.door import Door
from dnspolicy.server.memo import Cell, Memo, Row
from dnspolicy.server.repeats import Repeats
from dnspolicy.server.stepping import Stepper
from dnspolicy.wire.accept import Acceptance, accept
from dnspolicy.wire.encode import encode_answer, encode_error, reply_limit
from dnspolicy.wire.message import OUR_SIZE, decode_query
from dnspolicy.wire.notify import encode_notified
from dnspolicy.wire.transfer import encode_transfer

BUDGET = 4.5
"""Seconds from a query's arrival to its answer; stub resolvers give up after 5."""
IDENTITY_WAIT = 0.15
"""Seconds an address nobody knows is waited for: a pod may be younger than its event."""
MAX_REMEMBERED_QUESTION = 300
DROPPED = "dropped"
# Naming the member of an enumeration costs 0.1 µs, which counts on the way of every query.
_READ, _UNKNOWN = Acceptance.READ, ClientKind.UNKNOWN
_IN, _CH = int(Class.IN), int(Class.CH)


class Front:
    """Answers messages. One per server; listeners give it what arrives and from whom."""

    def __init__(
        self,
        *,
        view: ClusterView,
        memo: Memo | None,
        repeats: Repeats,
        stepper: Stepper,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._view = view
        self._memo = memo
        self._repeats = repeats
        self._stepper = stepper
        self._clock = clock
        self._panics = metrics.counter("coredns_panics_total", "Errors nobody foresaw that became SERVFAIL.")
        self._junk = metrics.counter(
            "dnspolicy_packets_refused_total", "Messages refused unread, by reason.", ("reason",)
        )
        self._shed = metrics.counter("dnspolicy_queries_shed_total", "Queries dropped because too many were under way.")
        metrics.before_collect(repeats.tell)

    def look_at(self, view: ClusterView) -> None:
        """Another cluster says who is asking from now on."""
        self._view = view

    def receive(self, wire: bytes, door: Door, caller: Caller) -> None:
        """Take one message. The caller gets a reply now or later, or none."""
        now = self._clock.monotonic()
        question = wire[2:]
        if self._memo is not None:
            row = door.rows.get(caller.source)
            if row is None:
                row = self._new_row(self._memo, door, caller.source)
            if row is not None and (question in row or question in row.answers):
                cell = self._reach(self._memo, row, question, now)
                if cell is not None:
                    self._repeat(cell, door, wire, caller)
                    return
        self._read(wire, question, door, caller, now)

    def _repeat(self, cell: Cell, door: Door, wire: bytes, caller: Caller) -> None:
        """Serve a finished answer."""
        started = self._clock.monotonic()
        caller.send(wire[:2] + cell.entry.next_tail())
        seconds = self._clock.monotonic() - started
        self._repeats.count(cell, self._clock.wall(), seconds)
        if door.routes.every:
            self._repeats.tell_one(cell, int.from_bytes(wire[:2], "big"), caller.port, seconds)
        caller.over()

    def _new_row(self, memo: Memo, door: Door, source: str) -> Row | None:
        """A row for a client whose identity is certain now; None when it is better to wait for news of it first."""
        identity = self._view.identify(source)
        if identity.kind is _UNKNOWN and door.waits:
            return None
        return door.add_row(source, identity, memo.of_class(door.class_of(identity)))

    @staticmethod
    def _reach(memo: Memo, row: Row, question: bytes, now: float) -> Cell | None:
        """The cell of a finished answer that holds now, made if another client of the class left one."""
        cell = row.get(question)
        if cell is not None:
            if memo.refresh(cell.entry, now):
                return cell
            del row[question]
        entry = memo.find(row.answers, question, now)
        if entry is None:
            return None
        cell = row[question] = Cell(entry, row.identity, row.source)
        return cell

    def _read(self, wire: bytes, question: bytes, door: Door, caller: Caller, now: float) -> None:
        judged = accept(wire)
        if judged is not _READ and judged is not Acceptance.NOTIFY:
            self._refuse(wire, judged, caller)
            return
        try:
            query = decode_query(wire, door.transport)
        except WireError:
            self._refuse(wire, Acceptance.FORMERR, caller)
            return
        if judged is Acceptance.NOTIFY:
            self._junk.inc((judged.value,))
            caller.send(encode_notified(query, any(query.name.under(block.zone) for block in door.routes.blocks)))
            caller.over()
            return
        ctx = QueryContext(caller.source, caller.port, now, now + BUDGET, door.routes.resolve)
        ctx.server_ip, ctx.server_port = caller.ip or door.ip, door.port
        if not self._stepper.run(self._answer(question, query, ctx, door, caller), caller.source):
            self._shed.inc()

    def _refuse(self, wire: bytes, judged: Acceptance, caller: Caller) -> None:
        self._junk.inc((judged.name.lower(),))
        if judged is not Acceptance.IGNORE:
            caller.send(encode_error(wire, judged.value))
        caller.over()

    async def _answer(self, question: bytes, query: Query, ctx: QueryContext, door: Door, caller: Caller) -> None:
        """Decide, send, tell the observers, remember."""
        try:
            wall = self._clock.wall()
            generation = self._memo.generation if self._memo is not None else 0
            reply, failure, block = await self._decide(query, ctx, door)
            if isinstance(reply, Answer) and reply.transfer:
                size = await caller.stream(encode_transfer(query, reply))
                messages: list[bytes] = []
                reply = reply.changed(answer=reply.answer[:1])  # the SOA says enough to those who look
            else:
                size, messages = self._send(query, reply, block, caller)
            outcome = Outcome(
                query, reply, ctx.source, ctx.port, ctx.identity, tuple(ctx.judgements), ctx.original,
                ctx.server_ip, ctx.server_port, block.label if block else door.label,
                block.zone_text if block else DROPPED, wall, self._clock.monotonic() - ctx.now,
                size, failure, view=block.view_name if block else "",
            )  # fmt: skip
            observers = block.observers if block is not None else door.strays
            for observer in observers:
                observer.seen(outcome)
            # What moved while the answer was being made may not be known to it.
            if self._memo is not None and messages and not failure and generation == self._memo.generation:
                self._remember(self._memo, question, door, outcome, messages, observers)
        finally:
            caller.over()

    @staticmethod
    def _send(query: Query, reply: Reply, block: Block | None, caller: Caller) -> tuple[int, list[bytes]]:
        """Send what there is to send. The bytes sent, and the messages that may be kept to be served in turn."""
        if not isinstance(reply, Answer):
            return 0, []
        messages = _encode(query, reply, reply_limit(query, block.udp_size if block is not None else OUR_SIZE))
        caller.send(messages[0])
        return len(messages[0]), messages

    async def outcome(self, query: Query, source: str, port: int, door: Door) -> Outcome:
        """Answer one query without sockets, finished answers or observers."""
        now = self._clock.monotonic()
        ctx = QueryContext(source, port, now, now + BUDGET, door.routes.resolve)
        reply, failure, block = await self._decide(query, ctx, door)
        return Outcome(
            query, reply, source, port, ctx.identity, tuple(ctx.judgements), ctx.original, door.ip, door.port,
            block.label if block else door.label, block.zone_text if block else DROPPED,
            self._clock.wall(), self._clock.monotonic() - now, failure=failure, view=block.view_name if block else "",
        )  # fmt: skip

    def _remember(
        self, memo: Memo, question: bytes, door: Door, outcome: Outcome, messages: list[bytes],
        observers: tuple[Observer, ...],
    ) -> None:  # fmt: skip
        assert isinstance(outcome.reply, Answer)
        edns = outcome.query.edns
        if len(question) > MAX_REMEMBERED_QUESTION or (edns is not None and edns.options) or door.routes.fleeting:
            return
        row = door.rows.get(outcome.source)
        if row is None:
            identity = self._view.identify(outcome.source)
            row = door.add_row(outcome.source, identity, memo.of_class(door.class_of(identity)))
        if row.identity is outcome.identity and memo.wants(row.answers, question, outcome.reply.fresh):
            tails = [message[2:] for message in messages]
            entry = memo.remember(row.answers, question, tails, outcome, observers, self._clock.monotonic())
            row[question] = Cell(entry, row.identity, row.source)

    async def _decide(self, query: Query, ctx: QueryContext, door: Door) -> tuple[Reply, str, Block | None]:
        """The reply, the text of the error when it is the SERVFAIL of an error, and the block that took the query."""
        block = None
        try:
            routes = door.routes
            identity = ctx.identity = self._view.identify(ctx.source)
            unknown = identity.kind is _UNKNOWN
            if unknown and routes.views_know_clients:
                ctx.identity = await self._view.await_identity(ctx.source, IDENTITY_WAIT)
                unknown = False  # waited for, with or without success: not once more
            block = routes.find(query, ctx)
            if query.edns is not None and query.edns.version:
                return Answer(Rcode.BADVERS), "", block
            if block is None or (query.qclass != _IN and not (block.chaos and query.qclass == _CH)):
                return Answer(Rcode.REFUSED), "", block
            if unknown and block.knows_clients:
                ctx.identity = await self._view.await_identity(ctx.source, IDENTITY_WAIT)
            return await block.ask(query, ctx), "", block
        except DnsPolicyError as problem:
            reply = failed(EdeCode.OTHER, "the query could not be answered")
            return reply, f"{type(problem).__name__}: {problem}", block
        except Exception as problem:  # noqa: BLE001 the outermost catcher: a fault of ours must become SERVFAIL
            self._panics.inc()
            where = "".join(traceback.format_exception(problem)[-3:]).strip()
            return failed(EdeCode.OTHER, "internal error"), f"{type(problem).__name__}: {problem}: {where}", block


def _encode(query: Query, answer: Answer, limit: int) -> list[bytes]:
    """The finished messages: one, or several to be served in turn, in random order."""
    if not answer.rotate:
        return [encode_answer(query, answer, limit)]
    messages = [encode_answer(query, turn, limit) for turn in variants(answer)]
    shuffle(messages)
    return messages
