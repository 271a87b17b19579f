"""Objects, their one counter of resource versions, and what changed since when."""

from __future__ import annotations

import bisect
import copy
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from dnspolicy.testing.apiserver.refusal import gone, too_new
from dnspolicy.testing.apiserver.resources import RESOURCES, Manifest, Resource

Key = tuple[str, str]
"""Namespace (empty for cluster-wide resources) and name."""


class Change(msgspec.Struct, frozen=True):
    """What became of one object at one resource version; None where it was not there."""

    version: int
    before: Manifest | None
    after: Manifest | None


class Subscription:
    """The changes of one resource from one version on, in order. `wake` is called after each, from any thread."""

    def __init__(self, changes: list[Change], wake: Callable[[], None]) -> None:
        self.pending = deque(changes)
        self.wake = wake


class Store:
    """Objects are never changed in place, so whoever holds one holds it as it was. Safe from several threads."""

    def __init__(self) -> None:
        self.version = 100
        self.oldest = 100
        self._lock = threading.RLock()
        self._objects: dict[Resource, dict[Key, Manifest]] = {}
        self._history: dict[Resource, list[Change]] = {}
        self._watching: dict[Resource, set[Subscription]] = {}
        self._made = 0
        self._by_kind: dict[str, Resource] = {}
        for resource in RESOURCES:
            self.serve(resource)

    @property
    def resources(self) -> list[Resource]:
        """All that is served."""
        with self._lock:
            return list(self._by_kind.values())

    def serve(self, resource: Resource) -> None:
        """Hold objects of this resource from now on, in place of any other of its kind."""
        with self._lock:
            self._by_kind[resource.kind] = resource
            self._objects[resource] = {}
            self._history[resource] = []
            self._watching[resource] = set()

    def withdraw(self, kind: str) -> None:
        """Serve a kind no more; watches go on in silence."""
        with self._lock:
            del self._by_kind[kind]

    def put(self, item: Manifest) -> int:
        """Create or replace an object; the resource version it got. Raises KeyError for a kind that is not served.

        Like the real one it sets `resourceVersion`, and `uid` and `creationTimestamp` where they are not given.
        """
        resource, item = self._by_kind[item["kind"]], copy.deepcopy(item)
        meta: dict[str, Any] = item.setdefault("metadata", {})
        if resource.namespaced:
            meta.setdefault("namespace", "default")
        else:
            meta.pop("namespace", None)
        with self._lock:
            key = (meta.get("namespace", ""), meta["name"])
            before = self._objects[resource].get(key)
            self._made += 1
            born = before["metadata"] if before else {}
            meta.setdefault("uid", born.get("uid", f"00000000-0000-4000-8000-{self._made:012d}"))
            meta.setdefault("creationTimestamp", born.get("creationTimestamp", "2026-01-01T00:00:00Z"))
            meta["resourceVersion"] = str(self.version + 1)
            self._objects[resource][key] = item
            return self._record(resource, before, item)

    def remove(self, kind: str, namespace: str, name: str) -> int:
        """Delete an object; the resource version of that. Raises KeyError when it is not there."""
        resource = self._by_kind[kind]
        with self._lock:
            before = self._objects[resource].pop((namespace if resource.namespaced else "", name))
            return self._record(resource, before, None)

    def held(self, resource: Resource) -> list[Manifest]:
        """All objects, in the order of lists."""
        with self._lock:
            return _ordered(self._objects[resource])

    def advance(self, versions: int = 1) -> None:
        """Let the counter move, as it does when resources change that nobody here watches."""
        with self._lock:
            self.version += versions

    def compact(self) -> None:
        """Forget all history: older versions can neither be watched from nor listed on."""
        with self._lock:
            self.oldest = self.version
            for changes in self._history.values():
                changes.clear()

    def settled(self) -> int:
        """The version that all who follow have been given the changes up to."""
        with self._lock:
            return self.version

    def snapshot(self, resource: Resource, version: int | None) -> tuple[int, list[Manifest]]:
        """All objects as they are now, or were at a version. Raises Refusal (410, 504)."""
        with self._lock:
            at = self.version if version is None else version
            if at > self.version:
                raise too_new(at, self.version)
            if at < self.oldest:
                raise gone(at, self.oldest)
            found = dict(self._objects[resource])
            for change in reversed(self._after(resource, at)):
                _undo(found, change)
            return at, _ordered(found)

    def subscribe(
        self, resource: Resource, since: int | None, wake: Callable[[], None]
    ) -> tuple[int, list[Manifest], Subscription]:
        """Follow a resource from a version, or with all its objects from now. Raises Refusal (410)."""
        with self._lock:
            if since is not None and since < self.oldest:
                raise gone(since, self.oldest)
            subscription = Subscription(self._after(resource, self.version if since is None else since), wake)
            self._watching[resource].add(subscription)
            return self.version, [] if since is not None else _ordered(self._objects[resource]), subscription

    def unsubscribe(self, resource: Resource, subscription: Subscription) -> None:
        with self._lock:
            self._watching[resource].discard(subscription)

    def _after(self, resource: Resource, version: int) -> list[Change]:
        history = self._history[resource]
        return history[bisect.bisect_right(history, version, key=lambda change: change.version) :]

    def _record(self, resource: Resource, before: Manifest | None, after: Manifest | None) -> int:
        self.version += 1
        change = Change(self.version, before, after)
        self._history[resource].append(change)
        for subscription in self._watching[resource]:
            subscription.pending.append(change)
            subscription.wake()
        return self.version


def _undo(objects: dict[Key, Manifest], change: Change) -> None:
    meta = (change.after or change.before or {})["metadata"]
    key = (meta.get("namespace", ""), meta["name"])
    if change.before is None:
        del objects[key]
    else:
        objects[key] = change.before


def _ordered(objects: dict[Key, Manifest]) -> list[Manifest]:
    return [objects[key] for key in sorted(objects)]
