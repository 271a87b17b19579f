"""Outcomes for tests: a plain one with changes, and any at all."""

from __future__ import annotations

import msgspec
from hypothesis import strategies as st

from dnspolicy.chain.context import Judgement
from dnspolicy.chain.observer import Outcome
from dnspolicy.model.answer import Answer, Drop, ExtendedError
from dnspolicy.model.errors import BadName
from dnspolicy.model.identity import ClientKind, Identity, Owner
from dnspolicy.model.name import Name, from_labels, from_text
from dnspolicy.model.query import Query, Transport
from dnspolicy.model.rr import Record
from dnspolicy.model.verdict import Action, AuditLevel, BlockAs, Mode, Origin, Phase, Verdict, Would

WALL = 1_767_225_600.25  # 2026-01-01T00:00:00.25Z
API = from_text("api.shop.svc.cluster.local")
WEB = Identity(
    ClientKind.POD, "address of a running pod", "10.1.2.3", "shop", "web-0", "uid-1", {"app": "web", "secret": "x"},
    {}, "default", "node-1", "eu-1", Owner("StatefulSet", "web"),
)  # fmt: skip


def query(name: str = "api.shop.svc.cluster.local", qtype: int = 1) -> Query:
    asked = from_text(name)
    return Query(asked, qtype, asked)


def verdict(action: Action = Action.ALLOW, rule: str = "tenant/own", **fields: object) -> Verdict:
    return msgspec.structs.replace(Verdict(action, rule, f"because of {rule}", revision="sha256:1"), **fields)


def judged(verdict: Verdict, name: str = "api.shop.svc.cluster.local", phase: Phase = Phase.QUERY) -> Judgement:
    return Judgement(from_text(name), phase, verdict, 0.00005, False)


def outcome(*verdicts: Verdict, **fields: object) -> Outcome:
    plain = Outcome(
        query(), Answer(answer=(Record(API, 1, 30, bytes([10, 0, 0, 1])),), made_by="kubernetes"), "10.1.2.3", 4711,
        WEB, tuple(map(judged, verdicts)), None, "10.96.0.10", 53, "dns://:53", ".", WALL, 0.0002, 60,
    )  # fmt: skip
    return msgspec.structs.replace(plain, **fields)


def _to_name(labels: list[bytes]) -> Name:
    try:
        return from_labels(labels)
    except BadName:
        return from_labels(labels[:1])


texts = st.text(st.characters(codec=None), max_size=40)
times = st.floats(allow_nan=True, allow_infinity=True) | st.floats(0, 4e9)
names = st.lists(st.binary(min_size=1, max_size=63), max_size=6).map(_to_name)
types = st.integers(0, 65535)
records = st.builds(Record, names, types, st.integers(0, 2**32 - 1), st.binary(max_size=60))
answers = st.builds(
    Answer, rcode=st.integers(0, 4095), answer=st.lists(records, max_size=3).map(tuple), made_by=texts,
    ede=st.lists(st.builds(ExtendedError, types, texts), max_size=2).map(tuple), upstream=texts,
)  # fmt: skip
replies = answers | st.builds(Drop, texts)
maybe = st.none() | texts
verdicts = st.builds(
    Verdict, st.sampled_from(Action), texts, texts, st.sampled_from(BlockAs), st.none() | names,
    st.lists(texts, max_size=2).map(tuple), audit=st.none() | st.sampled_from(AuditLevel), mode=st.sampled_from(Mode),
    origin=st.sampled_from(Origin), revision=texts, trigger=texts,
    shadow=st.lists(st.builds(Would, st.sampled_from(Action), texts, texts), max_size=2).map(tuple),
)  # fmt: skip
judgements = st.builds(Judgement, names, st.sampled_from(Phase), verdicts, times, st.booleans())
queries = st.builds(
    Query, names, types, names, types, transport=st.sampled_from(Transport), size=st.integers(0, 65535)
)  # fmt: skip
identities = st.builds(
    Identity, st.sampled_from(ClientKind), texts, texts, maybe, maybe, maybe,
    st.dictionaries(st.sampled_from(["app", "team"]) | texts, texts, max_size=3), st.just({}), maybe, maybe, maybe,
    st.none() | st.builds(Owner, texts, texts),
)  # fmt: skip
outcomes = st.builds(
    Outcome, queries, replies, texts, st.integers(0, 65535), identities, st.lists(judgements, max_size=3).map(tuple),
    st.none() | replies, texts, st.integers(0, 65535), texts, texts, times, times, st.integers(0, 65535), texts,
    st.booleans(),
)  # fmt: skip
