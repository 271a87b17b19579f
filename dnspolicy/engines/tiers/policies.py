"""The policies of all namespaces: read, checked apart, and put in force one by one."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

import msgspec

from dnspolicy.chain.metrics import Metrics
from dnspolicy.cluster.objects import Thing
from dnspolicy.engines.rego import Limits, Loaded, SourceFile, load
from dnspolicy.engines.tiers.checker import Checker
from dnspolicy.engines.tiers.keeper import Keeper
from dnspolicy.engines.tiers.sight import seen
from dnspolicy.engines.tiers.tenant import Evaluator, Tenant
from dnspolicy.model.errors import DnsPolicyError, EngineUnavailable, PolicyLoadError
from dnspolicy.policy.footprint import Path
from dnspolicy.policy.settings.tenants import Tenants

AT_ONCE = 1.0
"""Seconds of checking after which what was checked is put in force, when many have changed together."""
_AGAIN = b""
"""Stands for fields that are to be looked at again; those of a ConfigMap are never empty."""
Said = Callable[[str, str], None]
"""Told of a namespace whose policy was refused, and why."""

Loads = Callable[..., Loaded]
"""`engines.rego.load`, or what stands in for it."""


class Policies:
    """`complete`: all there are have been seen once. `within` is what each reads, under the name of its content.

    At the start the clients of a namespace wait for its policy to be checked; one that comes later counts from when it
    was. One that is refused leaves the last good one; where there was none, nobody can be asked about its clients.
    """

    def __init__(
        self,
        settings: Tenants,
        *,
        metrics: Metrics,
        monotonic: Callable[[], float] = time.monotonic,
        said: Said,
        loads: Loads = load,
        evaluator: Evaluator | None = None,
    ) -> None:
        self.complete = False
        self._checked = False
        self.within: Mapping[str, tuple[str, frozenset[Path]]] = {}
        self._settings = settings
        self._monotonic = monotonic
        self._said = said
        self._loads = loads
        self._tenants: dict[str, Tenant] = {}
        self._texts: dict[str, bytes] = {}
        self._took: dict[str, float] = {}
        self._checker = Checker()
        self._evaluator = evaluator or Keeper(settings.share / 100, monotonic=monotonic, struck=self._struck)
        self._refused = metrics.counter(
            "dnspolicy_tenant_policy_refused_total", "Policies of namespaces that were refused.", ("namespace",)
        )
        self._failures = metrics.counter(
            "dnspolicy_tenant_failures_total",
            "Questions that the policy of a namespace gave no usable decision to.",
            ("namespace", "kind"),
        )
        self._ended = metrics.counter(
            "dnspolicy_tenant_process_ended_total",
            "Times that the policy of a namespace ended the process that evaluates those of all.",
            ("namespace",),
        )
        self._count = metrics.gauge(
            "dnspolicy_tenant_policies", "Namespaces with a policy of their own, by what is in force.", ("state",)
        )

    @property
    def revision(self) -> str:
        """What is in force in all namespaces together: 12 hex digits."""
        held = sorted((name, revision) for name, (revision, _) in self.within.items())
        return _digest(msgspec.json.encode(held))

    def find(self, namespace: str | None) -> Tenant | None:
        """What is in force for the clients of a namespace."""
        return None if namespace is None else self._tenants.get(namespace)

    def not_ready(self) -> str | None:
        return None if self._checked else "the policies of namespaces"

    @property
    def unfinished(self) -> bool:
        """Whether `take` is to be called again, though nothing changes: a policy could not be made ready."""
        return _AGAIN in self._texts.values()

    def failed(self, namespace: str, kind: str) -> None:
        """Count a question without a usable decision."""
        self._failures.inc((namespace, kind))

    async def take(self, things: Mapping[str, Thing], changed: Callable[[], None]) -> None:
        """Put in force what namespaces say now; `changed` is called after each part of it. May be cancelled."""
        wanted = {name: t.fields for name, t in sorted(things.items()) if self._settings.may_have(name)}
        gone = [name for name in self._texts if name not in wanted]
        for name in gone:
            self._forget(name)
        fresh = [name for name, fields in wanted.items() if self._texts.get(name) != fields]
        fresh.sort(key=lambda name: self._took.get(name, 0.0))  # what is slow to check does not hold up the others
        if not self.complete:
            for name in fresh:
                self._put(name, Tenant(self._evaluator, "", problem="it was not checked yet"))
            self.complete = True
            self._tell(changed)
        until = self._monotonic() + AT_ONCE
        try:
            for name in fresh:
                await self._renew(name, wanted[name])
                if self._monotonic() >= until:
                    self._tell(changed)
                    until = self._monotonic() + AT_ONCE
            self._checked = True
        finally:
            self._tell(changed)
            await asyncio.to_thread(self._checker.close)

    async def _renew(self, name: str, fields: bytes) -> None:
        known, began, taken = self._tenants.get(name), self._monotonic(), fields
        try:
            if len(self._texts) >= self._settings.most and name not in self._texts:
                raise PolicyLoadError(f"more than {self._settings.most} namespaces have policies")
            loaded = await asyncio.to_thread(self._load, name, fields)
            slot = await self._evaluator.put(name, loaded)
        except Exception as problem:  # noqa: BLE001 whatever one namespace brings about must not keep the others waiting
            self._refused.inc((name,))
            self._said(name, str(problem) if isinstance(problem, DnsPolicyError) else repr(problem))
            if isinstance(problem, EngineUnavailable):
                taken = _AGAIN
            if known is None or known.slot is None:
                why = "it was refused, and there is none before it"
                self._put(name, Tenant(self._evaluator, _digest(fields), problem=why))
        else:
            paths = seen(loaded.footprint.paths)
            self._put(name, Tenant(self._evaluator, loaded.revision, slot=slot, paths=paths))
        self._texts[name] = taken
        self._took[name] = self._monotonic() - began

    def _load(self, name: str, fields: bytes) -> Loaded:
        """In a thread. Raises PolicyLoadError."""
        settings = self._settings
        files = _files(name, fields)
        if sum(len(file.raw) for file in files) > settings.size:
            raise PolicyLoadError(f"more than {settings.size} bytes")
        limits = Limits(
            files=64, policy_bytes=settings.size, data_bytes=settings.size, rule_seconds=0.5, check_seconds=5.0,
            evaluation_bytes=settings.memory,
        )  # fmt: skip
        loaded = self._loads((), limits=limits, trusted=False, more=files, apart=self._checker.check)
        if not loaded.footprint.timeless:
            raise PolicyLoadError("the policy of a namespace may read neither the clock nor random numbers")
        return loaded

    def _put(self, name: str, tenant: Tenant | None) -> None:
        before = self._tenants.pop(name, None)
        if before is not None:
            before.end()
        if tenant is not None:
            self._tenants[name] = tenant

    def _struck(self, name: str, seconds: float) -> None:
        self._ended.inc((name,))
        self._said(name, f"it ended the process that evaluates it, and is left alone for {seconds:.0f} s")

    async def close(self) -> None:
        """End the process that evaluates. Nothing may be asked any more."""
        await self._evaluator.close()

    def _forget(self, name: str) -> None:
        del self._texts[name]
        self._took.pop(name, None)
        self._put(name, None)
        self._refused.values.pop((name,), None)
        self._ended.values.pop((name,), None)
        for labels in [labels for labels in self._failures.values if labels[0] == name]:
            del self._failures.values[labels]

    def _tell(self, changed: Callable[[], None]) -> None:
        within = {name: (tenant.revision, tenant.paths) for name, tenant in self._tenants.items()}
        good = sum(tenant.slot is not None for tenant in self._tenants.values())
        self._count.set(good, ("in_force",))
        self._count.set(len(self._tenants) - good, ("none",))
        if within != self.within:
            self.within = within
            changed()


class _Fields(msgspec.Struct):
    data: dict[str, str] | None = None


def _files(name: str, fields: bytes) -> tuple[SourceFile, ...]:
    """The keys of a ConfigMap that are policies or data. Raises PolicyLoadError."""
    try:
        data = msgspec.json.decode(fields, type=_Fields).data or {}
    except msgspec.MsgspecError as problem:
        raise PolicyLoadError(f"it is no ConfigMap: {problem}") from None
    wanted = [key for key in sorted(data) if _is_policy(key)]
    return tuple(SourceFile(f"{name}/{key}", key, data[key].encode("utf-8", "replace")) for key in wanted)


def _is_policy(key: str) -> bool:
    return (PurePosixPath(key).suffix == ".rego" and not key.endswith("_test.rego")) or key == "data.json"


def _digest(fields: bytes) -> str:
    return hashlib.sha256(fields).hexdigest()[:12]
