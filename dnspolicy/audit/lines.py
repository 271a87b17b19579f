"""Lines of ordinary queries, from text prepared once per client and once per kind of answer.

Equal, byte for byte, to encoding what `Renderer.query` gives, at a fraction of the price.
"""

from __future__ import annotations

import secrets
from collections.abc import Hashable
from itertools import islice
from typing import Any

import msgspec

from dnspolicy.audit import record as rec
from dnspolicy.audit.render import Renderer, micros, timestamp
from dnspolicy.chain.observer import Outcome
from dnspolicy.model.answer import Answer
from dnspolicy.model.identity import ClientKind
from dnspolicy.model.rr import Class, type_text
from dnspolicy.model.verdict import AuditLevel, Mode, Verdict

CAPACITY = 4096
"""Clients, and kinds of answers, for which text is kept."""
_IN = int(Class.IN)


class _Kept(msgspec.Struct, frozen=True, gc=False):
    """Prepared text; None when there can be none. `holds` keeps the object whose id is in the key from being freed."""

    text: tuple[str, ...] | None
    holds: object


class _Holes:
    """Values that nobody can guess, to find their places in encoded text."""

    def __init__(self) -> None:
        self.seq, self.total, self.policy, self.size, self.port = (1 << 62 | secrets.randbits(62) for _ in range(5))
        self.time, self.name, self.type = (secrets.token_hex(16) for _ in range(3))
        self.client = rec.Client(kind=ClientKind.UNKNOWN, why=secrets.token_hex(16), ip="")
        client = rec.encode_part(self.client).decode()
        self._of_query = (
            (str(self.seq), "%d"), (self.time, "%s"), (client, "%s%d%s"), (self.name, "%s"), (self.type, "%s"),
            (str(self.total), "%d"), (str(self.policy), "%d"), (str(self.size), "%d"),
        )  # fmt: skip

    def template(self, record: rec.QueryRecord) -> str:
        """The line of a record with all holes, as a text for `%`."""
        text = rec.encode(record).decode().replace("%", "%%")
        for hole, place in self._of_query:
            before, found, after = text.partition(hole)
            assert found
            text = before + place + after
        return text


class Lines:
    """Makes lines for a renderer of level metadata; of any other it makes none."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self._useful = renderer.level is AuditLevel.METADATA
        self._holes = _Holes()
        self._clients: dict[tuple[int, str], _Kept] = {}
        self._kinds: dict[Hashable, _Kept] = {}

    def query(self, outcome: Outcome, seq: int) -> bytes | None:
        """The line of one query; None when its record is to be made the long way."""
        query, reply, judgements, size = outcome.query, outcome.reply, outcome.judgements, outcome.size
        if len(judgements) != 1 or type(reply) is not Answer or not size or query.name is not query.asked:
            return None
        judgement = judgements[0]
        verdict = judgement.verdict
        if judgement.about is not query.name and judgement.about != query.name:
            return None
        if not judgement.cached or outcome.failure or outcome.memo or not self._useful or query.qclass != _IN:
            return None
        key = (
            id(verdict), judgement.phase, reply.rcode, reply.made_by, reply.upstream, reply.ede, query.transport,
            outcome.server, outcome.zone,
        )  # fmt: skip
        kind = self._kinds.get(key) or self._add_kind(key, outcome, verdict)
        if kind.text is None:
            return None
        who = outcome.identity
        client = self._clients.get((id(who), outcome.source)) or self._add_client(outcome)
        assert client.text is not None
        before, after = client.text
        line = kind.text[0] % (
            seq, timestamp(outcome.wall), before, outcome.port, after, str(query.asked).replace("\\", "\\\\"),
            type_text(query.qtype), micros(outcome.seconds), micros(judgement.seconds), size,
        )  # fmt: skip
        return line.encode()

    def _add_kind(self, key: Hashable, outcome: Outcome, verdict: Verdict) -> _Kept:
        text = (self._template(outcome),) if _plain(verdict) else None
        return _add(self._kinds, key, _Kept(text, verdict))

    def _template(self, outcome: Outcome) -> str:
        holes = self._holes
        record = self._renderer.query(outcome, holes.seq)
        assert record is not None
        question = rec.Question(name=holes.name, type=holes.type, class_=record.question.class_)
        durations = rec.Durations(total=holes.total, policy=holes.policy)
        changes: dict[str, Any] = {"time": holes.time, "client": holes.client, "question": question}
        return holes.template(msgspec.structs.replace(record, **changes, durations=durations, size=holes.size))

    def _add_client(self, outcome: Outcome) -> _Kept:
        client = self._renderer.client(outcome, self._holes.port, AuditLevel.METADATA)
        before, found, after = rec.encode_part(client).decode().partition(str(self._holes.port))
        assert found
        return _add(self._clients, (id(outcome.identity), outcome.source), _Kept((before, after), outcome.identity))


def _plain(verdict: Verdict) -> bool:
    """Whether the record of a verdict holds nothing of one query but its name, port, times and size."""
    beside = verdict.beside
    agreed = beside is None or (beside.known and beside.failed_at is None and beside.would is None)
    return agreed and verdict.audit is None and not verdict.shadow and verdict.mode is Mode.ENFORCE


def _add(kept: dict[Any, _Kept], key: Hashable, one: _Kept) -> _Kept:
    if len(kept) >= CAPACITY:
        for old in list(islice(kept, CAPACITY // 8)):
            del kept[old]
    kept[key] = one
    return one
