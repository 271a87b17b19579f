"""The embedded Rego engine."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import cache
from typing import TypeVar, cast

from dnspolicy.chain.metrics import Metrics
from dnspolicy.engines.rego.binding import Evaluator, preferred, threaded
from dnspolicy.engines.rego.brake import WITHIN, Brake
from dnspolicy.engines.rego.errors import from_regorus
from dnspolicy.engines.rego.failing import RegoError, RegoMemory, RegoTimeout
from dnspolicy.engines.rego.feeding import Fed, digest_of, fill_slowly, read_slowly, revision, shown
from dnspolicy.engines.rego.loaded import Loaded, exhaust
from dnspolicy.engines.rego.samples import samples
from dnspolicy.model.errors import EngineBadReply, EngineTimeout, EngineUnavailable, PolicyLoadError
from dnspolicy.model.printable import printable
from dnspolicy.model.verdict import Verdict
from dnspolicy.policy.decode import decode
from dnspolicy.policy.engine import DataPath
from dnspolicy.policy.footprint import Footprint
from dnspolicy.policy.input import PolicyInput, encode

log = logging.getLogger("dnspolicy.policy")
T = TypeVar("T")
NEAR, FAIR = 0.01, 0.002
"""Seconds. An evaluation that begins so near to its deadline was kept waiting, and one after others that were late may
be: such a one is slow only if it used so much CPU, ten times of what one takes."""
BUCKETS = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1)


class RegoEngine:
    """Decides with regorus, in one thread; an evaluation is 25 to 130 µs and never waits.

    The native binding stops an evaluation at the deadline and at the policy's limit of memory. With the wheel it ends
    when it ends, and counts as a time-out if that is after the deadline. Raises PolicyLoadError when made of something
    that was never checked. With `here` False it is not to decide in this thread: `settle` is to be called in the one
    where it does, before anybody asks. `worked` tells the seconds of CPU that this thread has used.
    """

    name = "rego"

    def __init__(
        self,
        loaded: Loaded,
        *,
        metrics: Metrics | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        worked: Callable[[], float] = time.thread_time,
        here: bool = True,
    ) -> None:
        metrics = metrics or Metrics()
        self._loaded = loaded
        self._static: Evaluator | None = None
        """Policy and data without documents; never asked."""
        self._evaluator: Evaluator | None = None
        self._fed: dict[DataPath, Fed] = {}
        self._revision = loaded.revision
        self._changing = asyncio.Lock()
        self._brake = Brake()
        if here:
            self.swap(loaded)
        self._now = monotonic
        self._worked = worked
        self._doubtful_until = 0.0
        self._seconds = metrics.histogram(
            "dnspolicy_rego_evaluation_seconds", "Time of one evaluation of the Rego policy.", BUCKETS
        )
        self._overruns = metrics.counter(
            "dnspolicy_rego_overruns_total", "Evaluations that reached their deadline and so counted as time-outs."
        )
        self._refused = metrics.counter(
            "dnspolicy_rego_refused_total", "Questions not evaluated because the policy was too slow just before."
        )

    @property
    def revision(self) -> str:
        """Content hash of policy, data and documents in force: 12 hex digits."""
        return self._revision

    @property
    def footprint(self) -> Footprint:
        """What the policy in force can read of its input."""
        return self._loaded.footprint

    @property
    def loaded(self) -> Loaded:
        """The revision in force."""
        return self._loaded

    @property
    def limited(self) -> bool:
        """Whether an evaluation is stopped at its deadline."""
        return self._evaluator is not None and self._evaluator.limited

    def swap(self, loaded: Loaded) -> None:
        """Put another revision in force, at once. Raises PolicyLoadError, and then the old one stays."""
        static, fed = loaded.build(), self._kept(loaded)
        live = exhaust(fill_slowly(static, fed, loaded.entrypoint, _sample()))
        self._put(loaded, static, live, fed)
        self._brake = Brake()

    async def settle(self) -> None:
        """Decide in this thread from now on, if no thread was chosen yet. Raises PolicyLoadError."""
        if self._evaluator is None:
            await self.swap_slowly(self._loaded)

    async def swap_slowly(self, loaded: Loaded) -> None:
        """The same, built in steps of a few milliseconds between which the event loop runs, or in another thread."""
        async with self._changing:
            static = await self._run(loaded.build_slowly())
            fed = self._kept(loaded)
            live = await self._run(fill_slowly(static, fed, loaded.entrypoint, _sample()))
            old = self._static, self._evaluator
            gone = [document for path, document in self._fed.items() if path not in fed]
            self._put(loaded, static, live, fed)
            self._brake = Brake()
            self._free(old, gone)

    async def feed(self, documents: Mapping[DataPath, bytes | None]) -> None:
        """Put documents (JSON) at declared paths below `data`, without checking the policy again.

        Built as in `swap_slowly`; the revision is another one afterwards if a document is. A path that is not named
        keeps its document; None takes it away. They stay over `swap` where the new policy declares the path too. All
        or nothing: raises PolicyLoadError for a path that is not declared and for what is not JSON.
        """
        async with self._changing:
            while not await self._feed(documents):
                continue  # another revision was put in force meanwhile

    async def _feed(self, documents: Mapping[DataPath, bytes | None]) -> bool:
        loaded, static = self._loaded, self._static
        for path in documents:
            if path not in loaded.declared:
                raise PolicyLoadError(f"{shown(path)} was not declared, so nothing can be put there")
        fed = {path: document for path, document in self._fed.items() if documents.get(path, b"") is not None}
        for path, document in documents.items():
            digest = b"" if document is None else await asyncio.to_thread(digest_of, document)
            if document is not None and not (path in fed and fed[path].digest == digest):
                fed[path] = await self._run(read_slowly(loaded.empty(), path, document, digest))
        if static is None or fed == self._fed:
            self._fed, self._revision = fed, revision(loaded.revision, fed)
            return True
        live = await self._run(fill_slowly(static, fed, loaded.entrypoint, _sample()))
        if self._static is not static:
            return False
        old, before = self._evaluator, self._fed
        self._put(loaded, static, live, fed)
        self._free((old,), [document for path, document in before.items() if fed.get(path) is not document])
        return True

    def _kept(self, loaded: Loaded) -> dict[DataPath, Fed]:
        """The documents that another policy takes too."""
        if self._fed and threaded(loaded.binding) != threaded(self._loaded.binding):
            raise PolicyLoadError("the documents in force were read by another binding")
        return {path: document for path, document in self._fed.items() if path in loaded.declared}

    def _put(self, loaded: Loaded, static: Evaluator, live: Evaluator, fed: dict[DataPath, Fed]) -> None:
        live.memory = loaded.memory
        self._loaded, self._static, self._evaluator, self._fed = loaded, static, live, fed
        self._revision = revision(loaded.revision, fed)
        self._evaluate: Callable[[str, bytes], bytes | None] = live.rule if loaded.is_rule else live.query

    async def _run(self, steps: Generator[None, None, T]) -> T:
        if threaded(self._loaded.binding):
            return await asyncio.to_thread(exhaust, steps)
        while True:
            try:
                next(steps)
            except StopIteration as done:
                return cast(T, done.value)
            await asyncio.sleep(0)

    def _free(self, evaluators: Sequence[Evaluator | None], documents: Sequence[Fed]) -> None:
        """Free what is not in force any more: 10 ms for 100,000 entries, in another thread where that can be.

        Nobody waits for it: whoever put something in force tells others of it before the next question is asked.
        """
        for evaluator in evaluators:
            if evaluator is not None and threaded(self._loaded.binding):
                pieces = [piece for document in documents for piece in document.pieces]
                asyncio.get_running_loop().run_in_executor(None, evaluator.close, *pieces)

    async def decide(self, question: PolicyInput, deadline: float) -> Verdict | None:
        """The verdict, or None when the entrypoint is undefined. `deadline` is monotonic time.

        Raises EngineTimeout, EngineBadReply and EngineUnavailable.
        """
        return self.decide_now(question, deadline)

    def decide_now(self, question: PolicyInput, deadline: float) -> Verdict | None:
        """`decide` for those who do not run an event loop."""
        try:
            document = encode(question)
        except UnicodeError as failure:
            raise EngineBadReply(f"the input cannot be written as JSON: {printable(str(failure))}") from None
        reply = self.reply_now(document, deadline)
        return None if reply is None else decode(reply, self._revision)

    def reply_now(self, document: bytes, deadline: float) -> bytes | None:
        """What the policy says to an input document (JSON), as JSON; None when undefined. Raises what `decide` does."""
        began = self._now()
        evaluator = self._evaluator
        if evaluator is None:
            raise EngineUnavailable("the policy is still being prepared")
        if began >= deadline:
            raise EngineTimeout("no time was left for the policy")
        if self._brake.closed(began):
            self._refused.inc()
            raise EngineTimeout("the policy was too slow just before and is not asked for a while")
        problem = reply = None
        doubtful = deadline - began < NEAR or began < self._doubtful_until
        worked = self._worked() if doubtful else None  # which costs 2 µs
        evaluator.seconds = deadline - began
        try:
            reply = self._evaluate(self._loaded.entrypoint, document)
        except RegoError as failure:
            problem = failure
        if self._loaded.prints:
            evaluator.prints()
        self._measure(began, worked, deadline, problem)
        if problem is not None:
            raise EngineBadReply(self._text(problem))
        return reply

    def _measure(self, began: float, worked: float | None, deadline: float, problem: RegoError | None) -> None:
        ended = self._now()
        self._seconds.observe(ended - began)
        stopped = isinstance(problem, RegoTimeout)
        if ended <= deadline and not stopped:
            return
        self._overruns.inc()
        self._doubtful_until = ended + WITHIN
        if worked is None or self._worked() - worked >= FAIR:
            self._brake.overran(ended)
        took = f"{(ended - began) * 1e3:.1f} ms"
        raise EngineTimeout(f"the policy was stopped after {took}" if stopped else f"the policy took {took}")

    def _text(self, problem: RegoError) -> str:
        """One line with the place, for the record."""
        if isinstance(problem, RegoMemory):
            return f"the policy needed more memory than it may have ({self._loaded.memory >> 20} MiB)"
        texts = {source.file: source.text for source in self._loaded.policies}
        return str(from_regorus(str(problem), texts, "policy")).partition("\n")[0]

    def source_of(self, rule: str) -> str | None:
        """`file:line` of the text literal that a rule's name stands in; None when it is not written in one piece."""
        return find_literal(self._loaded, rule)


def find_literal(loaded: Loaded, rule: str) -> str | None:
    """Where `rule` stands as a text in the policy, else the longest literal it begins with (`"environment"`)."""
    wanted = [rule] + [rule[: i + extra] for i in range(len(rule) - 1, 0, -1) if rule[i] == "/" for extra in (1, 0)]
    for text in wanted:
        for source in loaded.policies:
            for quote in ('"', "`"):
                at = source.text.find(f"{quote}{text}{quote}")
                if at >= 0:
                    return f"{source.file}:{source.text.count(chr(10), 0, at) + 1}"
    return None


@cache
def _sample() -> bytes:
    return encode(next(samples()))


@cache
def say_what_is_lacking() -> None:
    """What the binding that is used cannot do. Said once in a process."""
    if threaded(preferred()):
        return
    log.info(
        "the embedded engine is the wheel of regorus: an evaluation has no limit of time or memory, and a builtin that "
        "fails is an error where Open Policy Agent has undefined; `make native` builds the one without these lacks"
    )
