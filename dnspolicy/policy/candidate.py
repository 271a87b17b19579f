"""A candidate policy beside the one in force: what both read together, and in what they differ. Pure."""

from __future__ import annotations

from dnspolicy.model.verdict import Action, BlockAs, Mode, Origin, Verdict, Would
from dnspolicy.policy.footprint import Footprint


def united(one: Footprint, other: Footprint) -> Footprint:
    """What two policies read of one question."""
    within = dict(one.within)
    for namespace, (revision, paths) in other.within.items():
        known, read = within.get(namespace, ("", frozenset()))
        within[namespace] = (f"{known} {revision}", read | paths)
    return Footprint(one.paths | other.paths, one.timeless and other.timeless, within)


def settled(said: Verdict | None, default: Verdict, timeless: bool) -> Verdict:
    """What follows from what an engine said; `timeless` as in `Verdict.lifetime`.

    Nothing said is the `default`. So is a decision in shadow, which decides nothing: it is listed as what would have
    been, and the default holds as long as it does.
    """
    if said is None:
        return default
    if said.mode is not Mode.SHADOW:
        return said
    return Verdict(
        default.action, default.rule, default.reason, origin=Origin.DEFAULT, revision=said.revision,
        holds=said.lifetime(timeless), shadow=(Would(said.action, said.rule, said.reason), *said.shadow),
    )  # fmt: skip


def difference(enforced: Verdict, candidate: Verdict) -> Would | None:
    """What the candidate would have done, if that is something else than what was done.

    Only what it does counts, not by which rule, for what reason, or for how long.
    """
    if _deed(enforced) == _deed(candidate):
        return None
    return Would(candidate.action, candidate.rule, candidate.reason, candidate=True, revision=candidate.revision)


def _deed(verdict: Verdict) -> object:
    if verdict.action is Action.ALLOW:
        return None
    looks = verdict.block_as if verdict.action is Action.BLOCK else BlockAs.NXDOMAIN
    return (verdict.action, looks, verdict.name, verdict.addresses, verdict.cname, verdict.upstreams, verdict.endpoints)
