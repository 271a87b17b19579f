"""One verdict of the operator's and a namespace's. Pure."""

from __future__ import annotations

import msgspec

from dnspolicy.model.errors import EngineBadReply
from dnspolicy.model.verdict import Action, Mode, Verdict, Would
from dnspolicy.policy.settings.tenants import Tenants

MAX_SHADOW = 64
_replace = msgspec.structs.replace


def may_be_narrowed(said: Verdict | None, settings: Tenants) -> bool:
    """Whether the namespace is asked after the operator: after an allow that is not final, and after nothing."""
    if said is None or said.mode is Mode.SHADOW:
        return True
    return said.action is Action.ALLOW and not settings.is_final(said.rule)


def narrowed(
    said: Verdict | None, own: Verdict | None, namespace: str, settings: Tenants, timeless: bool
) -> Verdict | None:
    """What holds after the operator `said` something that may be narrowed and the namespace its `own`.

    `timeless`: the operator's policy, as in `Verdict.lifetime`; that of the namespace always is. Raises EngineBadReply
    for what a namespace may not say.
    """
    if own is None or (own.action is Action.ALLOW and own.mode is Mode.ENFORCE):
        return _watched(said, own.shadow if own is not None else (), namespace)
    if own.mode is Mode.SHADOW:
        return _watched(said, (Would(own.action, own.rule, own.reason), *own.shadow), namespace)
    _refuse(said, own, settings)
    holds = 0.0 if said is None and not timeless else None
    ttl = own.ttl
    before: tuple[Would, ...] = ()
    if said is not None:
        holds = said.lifetime(timeless)
        ttl = said.ttl if ttl is None else ttl if said.ttl is None else min(ttl, said.ttl)
        before = said.shadow
        if said.mode is Mode.SHADOW:
            before = (Would(said.action, said.rule, said.reason), *before)
    return _replace(
        own,
        rule=called(namespace, own.rule),
        ttl=ttl,
        holds=holds,
        audit=None if said is None else said.audit,
        revision=own.revision if said is None else f"{said.revision}+{own.revision}",
        shadow=(*before, *_prefixed(own.shadow, namespace))[:MAX_SHADOW],
    )


def called(namespace: str, rule: str) -> str:
    """How a rule of a namespace is called, so that it is never taken for one of the operator's."""
    return f"tenant:{namespace}/{rule}"


def _watched(said: Verdict | None, would: tuple[Would, ...], namespace: str) -> Verdict | None:
    if said is None or not would:
        return said
    return _replace(said, shadow=(*said.shadow, *_prefixed(would, namespace))[:MAX_SHADOW])


def _prefixed(would: tuple[Would, ...], namespace: str) -> tuple[Would, ...]:
    return tuple(_replace(each, rule=called(namespace, each.rule)) for each in would)


def _refuse(said: Verdict | None, own: Verdict, settings: Tenants) -> None:
    if own.upstreams:
        raise EngineBadReply("a namespace's policy may not choose upstreams")
    if own.cname is not None:
        raise EngineBadReply("a namespace's policy may not redirect to a name; a rewrite is judged anew")
    far = [address for address in own.addresses if not settings.may_lead_to(address)]
    if far:
        raise EngineBadReply(f"a namespace's policy may not lead to {far[0]}; `addresses` says where it may")
    if own.action is not Action.BLOCK and (said is None or said.mode is Mode.SHADOW):
        raise EngineBadReply("a namespace's policy may only block what the operator's says nothing to")
