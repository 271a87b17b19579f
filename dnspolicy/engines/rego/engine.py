"""The embedded Rego engine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from dnspolicy.chain.metrics import Metrics
from dnspolicy.engines.rego.binding import Evaluator, RegoError
from dnspolicy.engines.rego.brake import Brake
from dnspolicy.engines.rego.errors import from_regorus
from dnspolicy.engines.rego.feeding import DataPath
from dnspolicy.engines.rego.loaded import Loaded
from dnspolicy.engines.rego.samples import samples
from dnspolicy.model.errors import EngineBadReply, EngineTimeout, EngineUnavailable
from dnspolicy.model.verdict import Verdict
from dnspolicy.policy.decode import decode, printable
from dnspolicy.policy.footprint import Footprint
from dnspolicy.policy.input import PolicyInput, encode

BUCKETS = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1)


class RegoEngine:
    """Decides with regorus, in the thread that made it; an evaluation is 25 to 130 µs and never waits.

    An evaluation that ends after the deadline is a time-out whatever it said. Raises PolicyLoadError when made of
    something that was never checked. With `here` False it is not to decide in this thread: `settle` is to be called in
    the one where it does, before anybody asks.
    """

    name = "rego"

    def __init__(
        self,
        loaded: Loaded,
        *,
        metrics: Metrics | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        here: bool = True,
    ) -> None:
        metrics = metrics or Metrics()
        self._loaded = loaded
        self._evaluator: Evaluator | None = None
        self._brake = Brake()
        if here:
            self._put(loaded, loaded.build())
        self._now = monotonic
        self._seconds = metrics.histogram(
            "dnspolicy_rego_evaluation_seconds", "Time of one evaluation of the Rego policy.", BUCKETS
        )
        self._overruns = metrics.counter(
            "dnspolicy_rego_overruns_total", "Evaluations that ended after their deadline and so counted as time-outs."
        )
        self._refused = metrics.counter(
            "dnspolicy_rego_refused_total", "Questions not evaluated because the policy was too slow just before."
        )

    @property
    def revision(self) -> str:
        """Content hash of policy and data in force: 12 hex digits."""
        return self._loaded.revision

    @property
    def footprint(self) -> Footprint:
        """What the policy in force can read of its input."""
        return self._loaded.footprint

    @property
    def loaded(self) -> Loaded:
        """The revision in force."""
        return self._loaded

    def swap(self, loaded: Loaded) -> None:
        """Put another revision in force, at once. Raises PolicyLoadError, and then the old one stays."""
        self._put(loaded, loaded.build())

    async def settle(self) -> None:
        """Decide in this thread from now on, if no thread was chosen yet. Raises PolicyLoadError."""
        if self._evaluator is None:
            await self.swap_slowly(self._loaded)

    async def swap_slowly(self, loaded: Loaded) -> None:
        """The same, built in steps of a few milliseconds between which the event loop runs."""
        steps = loaded.build_slowly()
        while True:
            try:
                next(steps)
            except StopIteration as done:
                self._put(loaded, done.value)
                return
            await asyncio.sleep(0)

    def _put(self, loaded: Loaded, evaluator: Evaluator) -> None:
        self._loaded, self._evaluator = loaded, evaluator
        self._evaluate: Callable[[str, str], str | None] = evaluator.rule if loaded.is_rule else evaluator.query
        self._brake = Brake()
        self._warm(evaluator)

    def _warm(self, evaluator: Evaluator) -> None:
        """One evaluation, since the first prepares the rules: a millisecond that no client should wait for."""
        with suppress(RegoError):
            self._evaluate(self._loaded.entrypoint, encode(next(samples())).decode())
        evaluator.prints()

    async def feed(self, documents: Mapping[DataPath, bytes | None]) -> None:
        """Put documents (JSON) at declared paths below `data`, in steps of a few milliseconds.

        A path that is not named keeps its document; None takes it away. They stay over `swap` where the new policy
        declares the path too. All or nothing: raises PolicyLoadError for a path that is not declared and for what is
        not JSON.
        """
        raise NotImplementedError

    async def decide(self, question: PolicyInput, deadline: float) -> Verdict | None:
        """The verdict, or None when the entrypoint is undefined. `deadline` is monotonic time.

        Raises EngineTimeout, EngineBadReply and EngineUnavailable.
        """
        return self.decide_now(question, deadline)

    def decide_now(self, question: PolicyInput, deadline: float) -> Verdict | None:
        """`decide` for those who do not run an event loop."""
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
        try:
            reply = self._evaluate(self._loaded.entrypoint, encode(question).decode())
        except RegoError as failure:
            problem = failure
        except UnicodeError as failure:
            raise EngineBadReply(f"the input cannot be written as JSON: {printable(str(failure))}") from None
        if self._loaded.prints:
            evaluator.prints()
        self._measure(began, deadline)
        if problem is not None:
            raise EngineBadReply(self._text(problem))
        return None if reply is None else decode(reply, self._loaded.revision)

    def _measure(self, began: float, deadline: float) -> None:
        ended = self._now()
        self._seconds.observe(ended - began)
        if ended <= deadline:
            return
        self._overruns.inc()
        self._brake.overran(ended)
        raise EngineTimeout(f"the policy took {(ended - began) * 1e3:.1f} ms")

    def _text(self, problem: RegoError) -> str:
        """One line with the place, for the record."""
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
