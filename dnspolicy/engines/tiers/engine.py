"""An engine that asks the operator's policy, and about what that allows the one of the client's namespace."""

from __future__ import annotations

from collections.abc import Callable

from dnspolicy.engines.tiers.combine import may_be_narrowed, narrowed
from dnspolicy.engines.tiers.policies import Policies
from dnspolicy.model.errors import EngineError, EngineUnavailable
from dnspolicy.model.verdict import Phase, Verdict
from dnspolicy.policy.engine import Awaited, Engine
from dnspolicy.policy.failure import error_of, kind_of
from dnspolicy.policy.footprint import Footprint
from dnspolicy.policy.input import PolicyInput
from dnspolicy.policy.settings.tenants import Tenants

_NAMESPACE = frozenset({("client", "namespace")})


class TieredEngine:
    """`inner` is the operator's. Its revision is that of both: what namespaces say is told apart by the footprint."""

    def __init__(self, inner: Engine, policies: Policies, settings: Tenants, monotonic: Callable[[], float]) -> None:
        self.name = inner.name
        self._inner = inner
        self._policies = policies
        self._settings = settings
        self._now = monotonic

    @property
    def revision(self) -> str:
        return self._inner.revision

    @property
    def footprint(self) -> Footprint:
        own = self._inner.footprint
        return Footprint(own.paths | _NAMESPACE, own.timeless, self._policies.within)

    def not_ready(self) -> str | None:
        own = self._inner.not_ready() if isinstance(self._inner, Awaited) else None
        return own or self._policies.not_ready()

    async def decide(self, question: PolicyInput, deadline: float) -> Verdict | None:
        """Raises what engines do; the text says of which namespace the policy is."""
        namespace = question.client.namespace
        tenant = self._policies.find(namespace)  # before anything is waited for: it belongs to the footprint of now
        complete, timeless = self._policies.complete, self._inner.footprint.timeless
        said = await self._inner.decide(question, deadline)
        if namespace is None or question.phase is not Phase.QUERY or not may_be_narrowed(said, self._settings):
            return said
        if tenant is None:
            if not complete and self._settings.may_have(namespace):
                raise EngineUnavailable("the policies of namespaces are not known yet")
            return said
        try:
            own = await tenant.decide(question, deadline, self._settings.timeout)
            return narrowed(said, own, namespace, self._settings, timeless)
        except EngineError as problem:
            kind = kind_of(problem)
            self._policies.failed(namespace, kind.value)
            raise error_of(kind, f"the policy of namespace {namespace}: {problem}") from None
