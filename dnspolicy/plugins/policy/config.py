"""What the `policy` directive says."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from dnspolicy.corefile.schema import Duration
from dnspolicy.policy.failure import OnError

ENGINES = ("rego",)
"""The words that name an engine."""


class Default(StrEnum):
    """What happens when a policy says nothing."""

    BLOCK = "block"
    ALLOW = "allow"


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`timeout` in seconds; `cache` is how many decisions are remembered."""

    rego: tuple[str, ...] = ()
    entrypoint: Annotated[str, msgspec.Meta(pattern=r"^data(\.[A-Za-z_][A-Za-z0-9_]*)+$")] = "data.dnspolicy.decision"
    timeout: Annotated[Duration, msgspec.Meta(gt=0, le=60)] = Duration(0.02)
    default: Default = Default.BLOCK
    on_error: OnError = OnError.BLOCK
    cache: Annotated[int, msgspec.Meta(ge=0, le=10_000_000)] = 10_000
    reload: Annotated[Duration, msgspec.Meta(ge=0.01)] = Duration(2.0)

    def __post_init__(self) -> None:
        named = [word for word in ENGINES if getattr(self, word)]
        if len(named) != 1:
            raise ValueError(f"expected one of {', '.join(ENGINES)}; found {' and '.join(named) or 'none'}")

    @property
    def kind(self) -> str:
        """The word of the engine."""
        return next(word for word in ENGINES if getattr(self, word))

    def of_engine(self) -> Config:
        """What of it concerns the engine: directives that agree in this share one."""
        usual = Config(rego=("",))
        kept = {name: getattr(usual, name) for name in ("timeout", "default", "on_error", "cache")}
        return msgspec.structs.replace(self, **kept)
