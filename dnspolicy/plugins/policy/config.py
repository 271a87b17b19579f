"""What the `policy` directive says."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from dnspolicy.corefile.schema import Duration
from dnspolicy.policy.settings.bundle import BundleLine
from dnspolicy.policy.settings.failure import OnErrorLine
from dnspolicy.policy.settings.feeds import DataLine, check_lines
from dnspolicy.policy.settings.firewall import FirewallLines, FirewallOpa
from dnspolicy.policy.settings.grpc import GrpcSettings
from dnspolicy.policy.settings.opa import Opa
from dnspolicy.policy.settings.tenants import Tenants

ENGINES = ("rego", "opa", "grpc", "firewall")
"""The words that name an engine."""
FED = ("rego", "opa")
"""Those that can be given documents."""


class Default(StrEnum):
    """What happens when a policy says nothing."""

    BLOCK = "block"
    ALLOW = "allow"


class EngineWords(msgspec.Struct, frozen=True, kw_only=True):
    """The words that say which engine decides, and how it is asked. `timeout` and `reload` in seconds."""

    rego: tuple[str, ...] = ()
    opa: Opa | None = None
    grpc: GrpcSettings | None = None
    firewall: tuple[FirewallLines, ...] = ()
    engine: tuple[FirewallOpa, ...] = ()
    bundle: tuple[BundleLine, ...] = ()
    data: tuple[DataLine, ...] = ()
    tenants: Tenants | None = None
    entrypoint: Annotated[str, msgspec.Meta(pattern=r"^data(\.[A-Za-z_][A-Za-z0-9_]*)+$")] = "data.dnspolicy.decision"
    timeout: Annotated[Duration, msgspec.Meta(gt=0, le=60)] = Duration(0.02)
    reload: Annotated[Duration, msgspec.Meta(ge=0.01)] = Duration(2.0)

    def __post_init__(self) -> None:
        named = _named(self)
        if len(named) != 1:
            raise ValueError(f"expected one of {', '.join(ENGINES)}; found {' and '.join(named) or 'none'}")
        if self.engine and not self.firewall:
            raise ValueError("engine is for the word firewall, whose rules name it")
        if self.data and self.kind not in FED:
            raise ValueError(f"data is for the words {' and '.join(FED)}; give {self.kind} its data where it runs")
        check_lines(self.data)

    @property
    def kind(self) -> str:
        """The word of the engine."""
        return _named(self)[0]


def _named(words: EngineWords) -> list[str]:
    """The engines that are named. Bundles are for the embedded one."""
    return [word for word in ENGINES if getattr(words, word) or (word == "rego" and words.bundle)]


class Config(EngineWords, frozen=True, kw_only=True):
    """`cache` is how many decisions are remembered; `candidate` names the engine of a policy that is only watched."""

    default: Default = Default.BLOCK
    on_error: tuple[OnErrorLine, ...] = ()
    cache: Annotated[int, msgspec.Meta(ge=0, le=10_000_000)] = 10_000
    candidate: EngineWords | None = None

    def of_engine(self) -> Config:
        """What of it concerns the engine: directives that agree in this share one."""
        return _alone(self)

    def of_candidate(self) -> Config | None:
        """The same for the candidate; None when there is none."""
        return None if self.candidate is None else _alone(self.candidate)


def _alone(words: EngineWords) -> Config:
    """A directive that names nothing but an engine. How long a question may take is no part of the engine."""
    given = {name: getattr(words, name) for name in EngineWords.__struct_fields__ if name != "timeout"}
    return Config(**given)
