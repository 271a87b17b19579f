"""Documents that every OPA of a policy is to have, and how it is known whether one has them.

They are put one after the other; then a mark is written down where OPA keeps the manifests of its bundles, which makes
it say the mark in every decision (`provenance`). So each decision tells which documents it was made with, whoever
restarted OPA, stands between, or puts something else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from dnspolicy.policy.engine import DataPath

GRACE = 1.0
"""Seconds that the removal of a document may take. An OPA that still has it then does not decide."""
_DIGITS = 16


class Unknown(msgspec.Struct, frozen=True):
    """Nobody knows what lies at a path."""


UNKNOWN: Final = Unknown()


class Held:
    """What one OPA has of them, as far as is known. `mark` is what it last said.

    `fresh`: it said no mark, so it has nothing from here.
    """

    def __init__(self) -> None:
        self.mark = ""
        self.fresh = False
        self.there: dict[DataPath, bytes | None] = {}

    def at(self, path: DataPath) -> bytes | Unknown | None:
        """The document at a path; None for none."""
        return self.there.get(path, None if self.fresh else UNKNOWN)

    def says(self, mark: str) -> None:
        """Note what it says; another mark than the last one means that it may have anything."""
        if mark != self.mark or not (mark or self.fresh):
            self.there.clear()
            self.mark, self.fresh = mark, not mark


class Documents:
    """`declared` says of each path whether nothing may be decided without its document. Empty, it does nothing.

    `given`: OPAs are given them; before that they decide with whatever they have.

    `wanted` is JSON by path, None where nothing is to lie; `mark` names all of it. Policies that are not to disturb
    each other have different `called`. Time is monotonic, in seconds.
    """

    def __init__(self, declared: Mapping[DataPath, bool], called: str, monotonic: Callable[[], float]) -> None:
        self.name = f"dnspolicy-{called}"
        self.wanted: dict[DataPath, bytes | None] = dict.fromkeys(declared)
        self.mark = ""
        self.given = False
        self._required = frozenset(path for path, required in declared.items() if required)
        self._since: dict[DataPath, float] = dict.fromkeys(declared, float("-inf"))
        self._digests = dict.fromkeys(declared, "")
        self._now = monotonic
        self.change({}, {})

    def change(self, documents: Mapping[DataPath, bytes | None], digests: Mapping[DataPath, str]) -> None:
        """Want others at declared paths. `digests` are those of `digests_of`, which may take longer."""
        for path, document in documents.items():
            if document is None and self.wanted[path] is not None:
                self._since[path] = self._now()
            self.wanted[path] = document
            self._digests[path] = digests[path]
        if self.wanted:
            all_of_it = msgspec.json.encode(sorted(self._digests.items()))
            self.mark = hashlib.sha256(all_of_it).hexdigest()[:_DIGITS]

    def withheld(self, held: Held) -> str | None:
        """Why an OPA is not to decide with what it has, in a few words; None when it may."""
        if held.mark == self.mark or not self.given:
            return None
        for path, wanted in self.wanted.items():
            there = held.at(path)
            if isinstance(there, Unknown):
                return f"it is not known which data {shown(path)} it has"
            if wanted is None and there is not None and self._now() - self._since[path] > GRACE:
                return f"it still has data {shown(path)}, which is too old"
            if wanted is not None and there is None and path in self._required:
                return f"data {shown(path)} is not there"
        return None

    def are_in(self, held: Held) -> bool:
        """Whether an OPA has exactly what it is to have."""
        return held.mark == self.mark


def digests_of(documents: Mapping[DataPath, bytes | None]) -> Mapping[DataPath, str]:
    """A name for the content of each."""
    return {path: "" if raw is None else hashlib.sha256(raw).hexdigest() for path, raw in documents.items()}


class _Revision(msgspec.Struct, frozen=True):
    revision: str = ""


class _Provenance(msgspec.Struct, frozen=True):
    bundles: dict[str, _Revision] = {}


def mark_in(provenance: bytes, name: str) -> str:
    """The mark that a decision says it was made with; empty for none."""
    try:
        found = msgspec.json.decode(provenance or b"{}", type=_Provenance)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return ""
    return found.bundles.get(name, _Revision()).revision


def shown(path: DataPath) -> str:
    """A path for people."""
    return ".".join(path)
