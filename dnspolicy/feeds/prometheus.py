"""Numbers from Prometheus: an instant query, by the values of labels."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from logging import Logger
from typing import Any
from urllib.parse import urlencode

import msgspec

from dnspolicy.chain.clock import Clock
from dnspolicy.feeds.document import Document, Told, encoded, revision_of
from dnspolicy.feeds.failures import bad_document
from dnspolicy.feeds.fetch import Fetched, Fetcher, Origin
from dnspolicy.model.errors import DnsPolicyError
from dnspolicy.model.printable import printable

Value = tuple[float, str]
"""Seconds since 1970, and a number as text."""


class _Sample(msgspec.Struct):
    value: Value
    metric: dict[str, str] = {}


class _Data(msgspec.Struct, rename="camel"):
    result_type: str
    result: msgspec.Raw


class _Reply(msgspec.Struct, rename="camel"):
    status: str
    data: _Data | None = None
    error: str = ""


def query_url(base: str, query: str) -> str:
    """Where the HTTP API answers a query."""
    return f"{base.rstrip('/')}/api/v1/query?{urlencode({'query': query})}"


def numbers(raw: bytes, by: Sequence[str], now: float) -> tuple[Any, float]:
    """`{label value: number}`, one step for each label of `by`, or one number without; and the time of the oldest.

    Times are seconds since 1970; `now` is what an answer without numbers says. What is no number (NaN) is left out.
    Raises FeedFailure.
    """
    try:
        reply = msgspec.json.decode(raw, type=_Reply)
        if reply.status != "success" or reply.data is None:
            raise bad_document(f"the query failed: {printable(reply.error)}")
        samples = _samples(reply.data)
    except (msgspec.MsgspecError, ValueError, RecursionError) as problem:
        raise bad_document(f"not what Prometheus answers: {problem}") from None
    found: dict[str, Any] = {}
    at = now
    alone: list[float] = []
    for sample in samples:
        number = _number(sample.value[1])
        if number is None:
            continue
        at = min(at, sample.value[0])
        if by:
            _put(found, [sample.metric.get(label, "") for label in by], number)
        else:
            alone.append(number)
    if by:
        return found, at
    if len(alone) != 1:
        raise bad_document(f"{len(alone)} numbers where one is expected; say which labels tell them apart with `by`")
    return alone[0], at


def _samples(data: _Data) -> list[_Sample]:
    match data.result_type:
        case "vector":
            return msgspec.json.decode(data.result, type=list[_Sample])
        case "scalar":
            return [_Sample(msgspec.json.decode(data.result, type=Value))]
        case other:
            raise bad_document(f"a result of type {printable(other)}; expected a vector of numbers")


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        raise bad_document(f"not what Prometheus answers: {printable(text)!r} is no number") from None
    return number if math.isfinite(number) else None


def _put(found: dict[str, Any], keys: list[str], number: float) -> None:
    *path, last = keys
    here = found
    for key in path:
        here = here.setdefault(key, {})
    if last in here:
        raise bad_document(f"two numbers for {printable(', '.join(keys))}; aggregate in the query, as in `sum by (…)`")
    here[last] = number


class PrometheusSource:
    """Asks as often as the origin says. `by` are the labels the document is sorted by."""

    def __init__(self, origin: Origin, query: str, by: Sequence[str], clock: Clock, log: Logger) -> None:
        self._origin = msgspec.structs.replace(origin, url=query_url(origin.url, query))
        self._by = tuple(by)
        self._clock = clock
        self._log = log

    async def run(self, told: Told) -> None:
        await Fetcher(self._origin, self._clock, self._log).follow(_Sink(told, self._by))


class _Sink:
    def __init__(self, told: Told, by: tuple[str, ...]) -> None:
        self._told = told
        self._by = by

    async def take(self, fetched: Fetched) -> None:
        self._told.document(await asyncio.to_thread(self._document, fetched))

    def _document(self, fetched: Fetched) -> Document:
        """In a thread: tens of megabytes take seconds."""
        value, at = numbers(fetched.body, self._by, fetched.at)
        content = encoded(value)
        return Document(content, revision_of(content), at)

    def confirmed(self, at: float) -> None:
        """The very same answer, times of samples included, says nothing new."""

    def failed(self, problem: DnsPolicyError) -> None:
        self._told.failed(problem)
