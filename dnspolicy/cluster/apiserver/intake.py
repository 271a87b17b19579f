"""From what the API server says to changes of the index, in portions that hold nobody up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from dnspolicy.cluster.objects import EndpointSlice, Kind, Object, ObjectKey, Pod, Thing, ThingKey, key_of

PORTION = 128
"""Objects, or addresses of slices, that are taken in at once: about 3 ms."""
MOST = 8 * PORTION
"""The same for the slices of one service, which are not parted before."""

_T = TypeVar("_T")
_Place = tuple[str, str]
Item = Object | Thing
Key = ObjectKey | ThingKey


class Shelf(Protocol):
    """Where objects of one kind are held: the index, or a collection. It is given its own kind only."""

    def find(self, key: Any) -> Item | None: ...

    def held(self, kind: Any) -> Iterator[Any]: ...

    def apply(self, changed: Any, removed: Any = (), loaded: Any = ()) -> object:
        """Take in a change. `loaded` kinds are complete with it. Raises TooMuch."""
        ...

    def explain(self, kind: Any, reason: str) -> None: ...


class Fold:
    """What some events come to, taken together."""

    def __init__(self) -> None:
        self._changed: dict[_Place, Item] = {}
        self._removed: dict[_Place, Key] = {}

    def put(self, item: Item) -> None:
        key = key_of(item)
        place = (key.namespace, key.name)
        self._changed[place] = item
        self._removed.pop(place, None)

    def drop(self, key: Key) -> None:
        """A pod of another UID that has taken the name since stays."""
        place = (key.namespace, key.name)
        held = self._changed.get(place)
        if key.uid and isinstance(held, Pod) and held.uid != key.uid:
            return
        self._changed.pop(place, None)
        self._removed[place] = key

    @property
    def changed(self) -> tuple[Item, ...]:
        return tuple(self._changed.values())

    @property
    def removed(self) -> tuple[Key, ...]:
        return tuple(self._removed.values())


class Replacing:
    """A whole list on its way in. Only what differs from the index is held; what is not in the list will go."""

    def __init__(self, index: Shelf, kind: str) -> None:
        self._index = index
        self._kind = kind
        self._seen: set[_Place] = set()
        self._changed: dict[_Place, Item] = {}

    def put(self, item: Item) -> None:
        key = key_of(item)
        place = (key.namespace, key.name)
        self._seen.add(place)
        if self._index.find(key) == item:
            self._changed.pop(place, None)
        else:
            self._changed[place] = item

    def keep(self, key: Key) -> None:
        """An object that cannot be read is there nevertheless: it stays as it was."""
        self._seen.add((key.namespace, key.name))

    def drop(self, key: Key) -> None:
        place = (key.namespace, key.name)
        self._seen.discard(place)
        self._changed.pop(place, None)

    @property
    def changed(self) -> tuple[Item, ...]:
        return tuple(self._changed.values())

    @property
    def removed(self) -> tuple[Key, ...]:
        held = map(key_of, self._index.held(self._kind))
        return tuple(key for key in held if (key.namespace, key.name) not in self._seen)


class Intake:
    """Brings changes of one kind into the index. `moved` is called when there were some."""

    def __init__(self, index: Shelf, kind: str, moved: Callable[[], None]) -> None:
        self._index = index
        self._kind = kind
        self._moved = moved

    async def apply(self, change: Fold | Replacing, loaded: bool = False) -> None:
        """In one change when it is small; an object that is there before and after is replaced in one in any case.

        In a large one what goes comes first, so that an address is never held by its last and its next owner at once.
        With slices it comes last: endpoints that others name now were never away.
        """
        changed, removed = change.changed, change.removed
        goes, comes = list(portions(removed)), list(portions(_by_service(changed)))
        if len(goes) <= 1 and len(comes) <= 1:
            self._index.apply(changed, removed, (self._kind,) if loaded else ())
        else:
            await self._in_portions(goes, comes)
            self._index.apply((), (), (self._kind,) if loaded else ())
        if changed or removed or loaded:
            self._moved()

    async def _in_portions(self, goes: Sequence[Sequence[Key]], comes: Sequence[Sequence[Item]]) -> None:
        going = [((), keys) for keys in goes]
        coming = [(items, ()) for items in comes]
        turns = coming + going if self._kind is Kind.ENDPOINT_SLICE else going + coming
        for items, keys in turns:
            self._index.apply(items, keys)
            await asyncio.sleep(0)


def _by_service(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """Slices of one service beside each other."""
    slices: list[EndpointSlice] = [item for item in items if isinstance(item, EndpointSlice)]
    slices.sort(key=_service)
    return tuple(slices) or items


def _service(item: EndpointSlice) -> _Place:
    return item.namespace, item.service


def portions(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """Items that are taken in at once. Slices of one service that stand beside each other are, if they can be."""
    start = weight = 0
    for at, item in enumerate(items):
        weight += 1 + (len(item.endpoints) if isinstance(item, EndpointSlice) else 0)
        if weight >= PORTION and (weight >= MOST or not _goes_on(item, items[at + 1 : at + 2])):
            yield items[start : at + 1]
            start, weight = at + 1, 0
    if start < len(items):
        yield items[start:]


def _goes_on(item: object, after: Sequence[object]) -> bool:
    """Whether what follows belongs to the same service."""
    other = after[0] if after else None
    return isinstance(item, EndpointSlice) and isinstance(other, EndpointSlice) and _service(item) == _service(other)
