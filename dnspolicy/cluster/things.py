"""Objects of any kind that somebody wants to see, with the fields that were asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

import msgspec

from dnspolicy.chain.clock import Clock
from dnspolicy.cluster.fields import pick, tree
from dnspolicy.cluster.objects import Thing, ThingKey
from dnspolicy.cluster.raw import BadObject, ObjectName
from dnspolicy.model.errors import DnsPolicyError

LIMIT = 64 << 20
"""Bytes of the fields of one collection, when nothing else is said."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Objects of one resource, by its plural name and API group (empty for the core).

    `fields` are paths such as `metadata.labels`; without any an object is just there. `selector` is a label selector.
    With `namespace` only objects of that one, with `name` too only that one object. A resource that cannot be watched
    is listed every `every` seconds. `limit` bounds the bytes of all fields together.
    """

    resource: str
    group: str = ""
    fields: tuple[str, ...] = ()
    selector: str = ""
    namespace: str = ""
    name: str = ""
    every: float = 30.0
    limit: int = LIMIT

    def __str__(self) -> str:
        called = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{called} {self.namespace}/{self.name}" if self.name else called


class TooMuch(DnsPolicyError):
    """There are more objects than a collection may hold."""


class Collection:
    """All objects that are wanted, as far as they are known. Filled on the event loop.

    `complete`: all there are have been seen once. `problem` says what is wrong now, or is empty. `heard` is when the
    source last said something (monotonic seconds). `changed` is called after each of these has moved.
    """

    def __init__(self, wanted: Wanted, changed: Callable[[], None], clock: Clock) -> None:
        self.wanted = wanted
        self.namespaced = True
        self.complete = False
        self.problem = ""
        self.heard: float | None = None
        self.size = 0
        self._changed = changed
        self._clock = clock
        self._held: dict[tuple[str, str], Thing] = {}

    def __len__(self) -> int:
        return len(self._held)

    def find(self, key: ThingKey) -> Thing | None:
        return self._held.get((key.namespace, key.name))

    def held(self, kind: object = None) -> Iterator[Thing]:
        """All of them, in no order."""
        return iter(self._held.values())

    def apply(self, changed: Iterable[Thing], removed: Iterable[ThingKey] = (), loaded: Iterable[object] = ()) -> bool:
        """Take in a change; `loaded` says that this completes a list. Returns whether anything moved.

        Raises TooMuch; then everything is let go until the next list.
        """
        moved = False
        for key in removed:
            moved |= self._put((key.namespace, key.name), None)
        for item in changed:
            moved |= self._put((item.namespace, item.name), item)
        if self.size > self.wanted.limit:
            self._held.clear()
            self.size, self.complete = 0, False
            raise TooMuch(f"more than {self.wanted.limit} bytes; ask for fewer fields, or allow more with `size`")
        if loaded and not self.complete:
            self.complete = moved = True
        if moved:
            self._changed()
        return moved

    def explain(self, kind: object, reason: str) -> None:
        """What is wrong; empty when nothing is."""
        if reason != self.problem:
            self.problem = reason
            self._changed()

    def note_news(self) -> None:
        """The source has just said something."""
        self.heard = self._clock.monotonic()

    def copied(self) -> dict[tuple[str, str], Thing]:
        """What is held now, by namespace and name."""
        return dict(self._held)

    def _put(self, place: tuple[str, str], item: Thing | None) -> bool:
        old = self._held.pop(place, None)
        if item is not None:
            self._held[place] = item
        self.size += _size(item) - _size(old)
        return old != item


def encode(held: Mapping[tuple[str, str], Thing], namespaced: bool) -> bytes:
    """`{namespace: {name: {fields}}}` in JSON, without the first step for kinds that have no namespaces."""
    spaces: dict[str, dict[str, msgspec.Raw]] = {}
    for space, name in sorted(held):
        spaces.setdefault(space, {})[name] = msgspec.Raw(held[space, name].fields)
    return msgspec.json.encode(spaces if namespaced else spaces.get("", {}))


def _size(item: Thing | None) -> int:
    return 0 if item is None else len(item.fields) + len(item.name)


class Follower(Protocol):
    """What keeps a collection as the cluster is, for as long as its source is started."""

    @property
    def collection(self) -> Collection: ...

    async def end(self) -> None:
        """Follow no more."""
        ...


class _Meta(msgspec.Struct):
    name: ObjectName
    namespace: ObjectName | None = None


class _Named(msgspec.Struct):
    metadata: _Meta


class Trimmer:
    """Objects as they come → things."""

    def __init__(self, wanted: Wanted) -> None:
        self._tree = tree(wanted.fields)
        self._named = msgspec.json.Decoder(_Named)

    def read(self, data: bytes | msgspec.Raw, namespaced: bool) -> Thing:
        """An object in JSON. Raises BadObject, and what msgspec does."""
        meta = self._named.decode(data).metadata
        space = (meta.namespace or "default") if namespaced else ""
        found = pick(msgspec.json.decode(data), self._tree) if self._tree else {}
        return Thing(space, meta.name, msgspec.json.encode(found, order="sorted"))

    def trim(self, document: Any, namespaced: bool) -> Thing:
        """The same of a parsed object. Raises BadObject."""
        try:
            return self.read(msgspec.json.encode(document), namespaced)
        except (msgspec.MsgspecError, TypeError, ValueError) as problem:
            raise BadObject("", str(problem)) from None
