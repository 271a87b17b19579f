"""Decides by rule lists."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from dnspolicy.engines.firewall.evaluate import Run, compiled
from dnspolicy.model.errors import EngineBadReply, EngineTimeout
from dnspolicy.model.printable import printable
from dnspolicy.model.verdict import Action, Verdict
from dnspolicy.policy.firewall.rules import Asked, Direction, Listed, Rule, RuleList
from dnspolicy.policy.firewall.syntax import fields_of
from dnspolicy.policy.footprint import Footprint, Path
from dnspolicy.policy.input import PolicyInput

MOST_ADDRESSES = 64
"""Addresses of one answer that another engine is asked about, one after another."""


class Opinion(Protocol):
    """Another engine that a rule list names. `reads` is what of the input it is told, `holds` in seconds."""

    reads: frozenset[Path]
    holds: float

    async def ask(self, question: PolicyInput, address: str | None, deadline: float) -> Listed | None:
        """What it says; None when it says nothing. Raises EngineError."""
        ...


class _Step(msgspec.Struct, frozen=True, eq=False):
    """One rule, ready to be asked."""

    name: str
    rule: Rule | Asked
    run: Run | None


class FirewallEngine:
    """The lists of one server block: at most one for each direction. `opinions` are the engines they name.

    A rule about the addresses of an answer is asked about each of them: one that may not be had is enough to block,
    and only when all may be had the rule allows. Without addresses it does not apply.
    """

    name = "firewall"

    def __init__(
        self,
        lists: Sequence[RuleList],
        opinions: Mapping[str, Opinion] | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._opinions = dict(opinions or {})
        self._now = monotonic
        self._lists = {each.direction.phase: _steps(each) for each in lists}
        self._defaults = {direction.phase: _default(direction, lists) for direction in Direction}
        self._revision = _revision(lists)
        self._footprint = Footprint(_reads(lists, self._opinions), _timeless(lists))
        named = [self._opinions[rule.engine] for rule in _rules(lists) if isinstance(rule, Asked)]
        self._holds = min((opinion.holds for opinion in named), default=None)
        self._fleeting = any(isinstance(rule, Rule) and rule.fleeting for rule in _rules(lists))

    @property
    def revision(self) -> str:
        """Content hash of the lists: 12 hex digits."""
        return self._revision

    @property
    def footprint(self) -> Footprint:
        return self._footprint

    async def decide(self, question: PolicyInput, deadline: float) -> Verdict | None:
        """The verdict of the first rule that decides, else the default of the list. Raises EngineError."""
        unsaid = ""
        for step in self._lists.get(question.phase, ()):
            if isinstance(step.rule, Asked):
                said = await self._asked(step.rule, question, deadline)
                if said is not None:
                    return self._verdict(said, step.name, f"{step.rule.engine} says {said}")
                unsaid = step.rule.engine
            elif _applies(step, question):
                return self._verdict(step.rule.does, step.name, step.rule.text)
            if self._now() >= deadline:
                raise EngineTimeout("no time was left for the next rule")
        default = self._defaults[question.phase]
        if unsaid and default.action is Action.ALLOW:
            return self._verdict(Listed.BLOCK, default.rule, f"{unsaid} says nothing, which allows nothing")
        return msgspec.structs.replace(default, revision=self._revision, holds=self._lifetime())

    async def _asked(self, rule: Asked, question: PolicyInput, deadline: float) -> Listed | None:
        """What another engine says: of the question, or of all addresses together, where the first no counts."""
        opinion = self._opinions[rule.engine]
        addresses = () if question.answer is None else question.answer.addresses
        if len(addresses) > MOST_ADDRESSES:
            raise EngineBadReply(
                f"an answer has {len(addresses)} addresses; {rule.engine} is asked about {MOST_ADDRESSES}"
            )
        found = [await opinion.ask(question, address, deadline) for address in addresses or (None,)]
        against = next((said for said in found if said is not None and said is not Listed.ALLOW), None)
        return against if against is not None or None in found else Listed.ALLOW

    def _verdict(self, does: Listed, name: str, reason: str) -> Verdict:
        return Verdict(
            does.action,
            name,
            printable(reason),
            block_as=does.block_as,
            holds=self._lifetime(),
            revision=self._revision,
        )

    def _lifetime(self) -> float | None:
        return 0.0 if self._fleeting else self._holds


def _applies(step: _Step, question: PolicyInput) -> bool:
    """Whether a rule decides: an allow needs what is true of all, everything else what is not false of one."""
    rule, run = step.rule, step.run
    assert isinstance(rule, Rule)
    assert run is not None
    about: tuple[str | None, ...] = (None,)
    if rule.per_address:
        about = () if question.answer is None else question.answer.addresses
    if rule.does is Listed.ALLOW:
        return bool(about) and all(run(question, address) is True for address in about)
    return any(run(question, address) is not False for address in about)


def _steps(each: RuleList) -> tuple[_Step, ...]:
    return tuple(
        _Step(
            f"firewall/{each.direction}/{number}",
            rule,
            compiled(rule.condition) if isinstance(rule, Rule) else None,
        )
        for number, rule in enumerate(each.rules, 1)
    )


def _default(direction: Direction, lists: Sequence[RuleList]) -> Verdict:
    """What follows when no rule decides. Where there is no list, nothing is filtered."""
    there = any(each.direction is direction for each in lists)
    blocks = there and direction is Direction.QUERY
    reason = "no rule decides" if there else "no rules for this"
    return Verdict(Action.BLOCK if blocks else Action.ALLOW, f"firewall/{direction}/default", reason)


def _rules(lists: Sequence[RuleList]) -> list[Rule | Asked]:
    return [rule for each in lists for rule in each.rules]


def _reads(lists: Sequence[RuleList], opinions: Mapping[str, Opinion]) -> frozenset[Path]:
    found: set[Path] = set()
    for rule in _rules(lists):
        if isinstance(rule, Rule):
            found.update(path for field in fields_of(rule.condition) for path in field.reads)
        else:
            found |= opinions[rule.engine].reads
    if any(each.direction is Direction.RESPONSE for each in lists):
        found.add(("phase",))
    return frozenset(found)


def _timeless(lists: Sequence[RuleList]) -> bool:
    return not any(isinstance(rule, Asked) or rule.fleeting for rule in _rules(lists))


def _revision(lists: Sequence[RuleList]) -> str:
    lines = [
        f"{each.direction} {rule.engine if isinstance(rule, Asked) else f'{rule.does} {rule.text}'}"
        for each in lists
        for rule in each.rules
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]
