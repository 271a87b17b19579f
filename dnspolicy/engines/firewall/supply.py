"""Rule lists with the connections to the engines they name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dnspolicy.chain.metrics import Metrics
from dnspolicy.engines.firewall.engine import FirewallEngine
from dnspolicy.engines.firewall.opinion import OpaOpinion
from dnspolicy.engines.opa.credentials import Files, read
from dnspolicy.engines.opa.door import Door
from dnspolicy.engines.opa.measures import Measures
from dnspolicy.model.errors import ConfigError
from dnspolicy.policy.engine import Changed, Engine
from dnspolicy.policy.firewall import Asked, RuleList
from dnspolicy.policy.firewall.fields import field_of
from dnspolicy.policy.settings.firewall import FirewallLines, FirewallOpa

CONNECTIONS = 32


class FirewallSupply:
    """Lists do not change by themselves: a reload of the Corefile brings others. Raises ConfigError."""

    def __init__(
        self,
        lines: Sequence[FirewallLines],
        engines: Sequence[FirewallOpa],
        place: Callable[[str], Path],
        *,
        metrics: Metrics,
        monotonic: Callable[[], float],
    ) -> None:
        lists = _lists(lines)
        known = {each.name: each for each in engines}
        self._doors: list[Door] = []
        self._measures = Measures(metrics)
        self._now = monotonic
        opinions = {name: self._opinion(_known(known, name), place) for name in _named(lists)}
        self._engine = FirewallEngine(lists, opinions, monotonic=monotonic)
        self._end_shows = [metrics.before_collect(door.show) for door in self._doors]

    def _opinion(self, engine: FirewallOpa, place: Callable[[str], Path]) -> OpaOpinion:
        cert, key, ca = map(place, engine.tls) if engine.tls else (None, None, None)
        credentials = read(Files(None, ca, cert, key, tls=engine.address.tls))
        door = Door(
            engine.address,
            f"{engine.target}?provenance=true",
            CONNECTIONS,
            credentials=lambda: credentials,
            server_name="",
            monotonic=self._now,
            measures=self._measures,
            doubt=_nothing,
        )
        self._doors.append(door)
        return OpaOpinion(door, [field_of(name) for name in engine.fields], monotonic=self._now)

    @property
    def engine(self) -> Engine:
        return self._engine

    def announcement(self) -> str:
        return f"policy revision {self._engine.revision} from firewall blocks"

    def source_of(self, rule: str) -> str | None:
        return None

    async def settle(self) -> None:
        """Nothing: connections are made by the first that needs one."""

    async def start(self, changed: Changed) -> None:
        """Nothing changes."""

    async def stop(self) -> None:
        for end in self._end_shows:
            end()
        for door in self._doors:
            await door.close()


def _lists(lines: Sequence[FirewallLines]) -> tuple[RuleList, ...]:
    lists = tuple(each.rules() for each in lines)
    twice = [each.direction for each in lists if sum(other.direction is each.direction for other in lists) > 1]
    if twice:
        raise ConfigError(f"two lists for {twice[0]}; a server block has at most one for each direction")
    return lists


def _named(lists: Sequence[RuleList]) -> list[str]:
    return list(dict.fromkeys(rule.engine for each in lists for rule in each.rules if isinstance(rule, Asked)))


def _known(engines: Mapping[str, FirewallOpa], name: str) -> FirewallOpa:
    found = engines.get(name)
    if found is None:
        raise ConfigError(f"no engine is called {name!r}; expected `opa {name} {{ endpoint URL }}` beside the list")
    return found


def _nothing() -> None:
    """Whatever the other side has now: words are remembered for a moment only."""
