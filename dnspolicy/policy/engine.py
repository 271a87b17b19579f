"""What a policy engine is to the rest of the server."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import Protocol, runtime_checkable

from dnspolicy.model.verdict import Verdict
from dnspolicy.policy.footprint import Footprint
from dnspolicy.policy.input import PolicyInput

DataPath = tuple[str, ...]
"""Where a document lies below `data`."""


class Reach(Enum):
    """Whose decisions a change may have made others."""

    EVERYBODY = auto()
    NAMESPACES = auto()
    """Those of clients in the namespaces that `Footprint.within` says something else of; all others hold."""


class Changed(Protocol):
    """Called on the event loop when revision or footprint are no longer what they were."""

    def __call__(self, reach: Reach = Reach.EVERYBODY) -> None: ...


class Engine(Protocol):
    """Decides. `name` is the word in the Corefile; `revision` names the content of policy and data in force.

    `footprint` is what the policy in force can read of its input; all of it when nobody knows. A footprint that is not
    timeless leaves it to each verdict how long it holds (`Verdict.lifetime`).
    """

    name: str

    @property
    def revision(self) -> str: ...

    @property
    def footprint(self) -> Footprint: ...

    async def decide(self, question: PolicyInput, deadline: float) -> Verdict | None:
        """The verdict, or None when the policy says nothing (undefined). `deadline` is monotonic time.

        Raises EngineUnavailable, EngineTimeout and EngineBadReply, and nothing else.
        """
        ...


@runtime_checkable
class Awaited(Protocol):
    """An engine that may not be able to decide yet, since its policy is still to come."""

    def not_ready(self) -> str | None:
        """What is waited for, in a few words; None when it can decide."""
        ...


class Supply(Protocol):
    """An engine and what keeps it up to date: files that are looked at, connections that are held.

    May be made in another thread than that of queries; everything else belongs on the event loop.
    """

    @property
    def engine(self) -> Engine: ...

    def announcement(self) -> str:
        """What is in force and where it comes from, one line for people."""
        ...

    def source_of(self, rule: str) -> str | None:
        """Where a policy file speaks of a rule, `file:line`; None when that is not known here."""
        ...

    async def settle(self) -> None:
        """Make ready to decide in this thread. Raises PolicyLoadError."""
        ...

    async def start(self, changed: Changed) -> None:
        """Keep up to date from now on, and call `changed` after each change. Called once."""
        ...

    async def stop(self) -> None:
        """End that, and whatever `settle` began."""
        ...


class Feedable(Supply, Protocol):
    """A supply whose engine can be given documents.

    `notes_first`: before it is started it only notes them, and cannot say whether it takes them.
    """

    @property
    def notes_first(self) -> bool: ...

    async def feed(self, documents: Mapping[DataPath, bytes | None]) -> None:
        """Put documents (JSON) at declared paths, None for none. Raises PolicyLoadError, and then nothing changed."""
        ...
