"""The workload behind a pod, such as Deployment `web`: nobody writes policy for a ReplicaSet."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence

from dnspolicy.model.identity import Owner

_HASH_LABEL = "pod-template-hash"
_CRON_JOB = re.compile(r"(.+)-\d{8,10}")
"""A CronJob names its Jobs after itself and the minute (formerly second) of their schedule."""


def workload(controllers: Sequence[tuple[str, str]], labels: Mapping[str, str]) -> Owner | None:
    """The owner of a pod with these controller references (kind, name) and labels.

    A Deployment's ReplicaSet and a CronJob's Job are known by their names; anything else is its own workload.
    """
    if not controllers:
        return None
    kind, name = controllers[0]
    suffix = f"-{labels.get(_HASH_LABEL, '')}"
    if kind == "ReplicaSet" and len(suffix) > 1 and name.endswith(suffix) and name != suffix:
        return Owner("Deployment", sys.intern(name.removesuffix(suffix)))
    scheduled = _CRON_JOB.fullmatch(name) if kind == "Job" else None
    if scheduled is not None:
        return Owner("CronJob", sys.intern(scheduled[1]))
    return Owner(sys.intern(kind), sys.intern(name))
