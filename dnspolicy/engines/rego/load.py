"""From folders to a checked revision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from dnspolicy.engines.rego import confined
from dnspolicy.engines.rego.binding import Binding, preferred
from dnspolicy.engines.rego.check import Job, Report, check
from dnspolicy.engines.rego.confined import ask
from dnspolicy.engines.rego.errors import Complaint, refuse
from dnspolicy.engines.rego.loaded import Loaded
from dnspolicy.engines.rego.reading import read_apart
from dnspolicy.engines.rego.sources import Limits, SourceFile, Sources, read
from dnspolicy.model.errors import PolicyLoadError
from dnspolicy.policy.engine import DataPath

UNTRUSTED = (
    "a policy that is not the operator's own needs an embedded engine with limits, which the wheel of regorus has not: "
    "build it with `make native`"
)
ENTRYPOINT = "data.dnspolicy.decision"
DEFAULT_LIMITS = Limits()


def load(
    folders: Sequence[Path | str],
    entrypoint: str = ENTRYPOINT,
    *,
    limits: Limits = DEFAULT_LIMITS,
    isolated: bool = True,
    declared: tuple[DataPath, ...] = (),
    trusted: bool = True,
    more: Sequence[SourceFile] = (),
    binding: Binding | None = None,
    apart: Callable[[Job], Report] | None = None,
) -> Loaded:
    """Read and check policies; 0.3 s and more, in a process of its own unless not `isolated`. Blocks.

    `more` are files that lie in no folder. `declared`: paths below `data` where `RegoEngine.feed` will put documents;
    files and rules may not be there. Without isolation a policy that never ends hangs the caller: for tests, with
    policies of their own. With `trusted` False they are not the operator's own: the binding without limits refuses
    them. `binding` chooses another than the preferred one. `apart` checks in a process that is there already. What is
    returned may cross threads. Raises PolicyLoadError with all complaints.
    """
    binding = binding or preferred()
    if not trusted and binding is not Binding.NATIVE:
        raise PolicyLoadError(UNTRUSTED)
    reads = read_apart if isolated else read
    sources, complaints = reads([Path(f) for f in folders], limits, more=more)
    if complaints:
        raise refuse(complaints)
    job = Job(sources, entrypoint, limits, declared, trusted, binding)
    report = (apart or _in_a_process)(job) if isolated else check(job, lambda file, what: None)
    if report.complaints:
        raise refuse(report.complaints)
    return _loaded(job, report)


def _loaded(job: Job, report: Report) -> Loaded:
    sources = job.sources
    return Loaded(
        sources.policies,
        sources.data,
        sources.revision,
        job.entrypoint,
        report.footprint(),
        is_rule=report.is_rule,
        prints=report.prints,
        declared=job.declared,
        memory=job.limits.evaluation_bytes,
        binding=job.binding,
    )


def _in_a_process(job: Job) -> Report:
    said = ask("dnspolicy.engines.rego.check", msgspec.msgpack.encode(job), job.limits)
    return Report((said,)) if isinstance(said, Complaint) else msgspec.json.decode(said, type=Report)


def look(sources: Sources, binding: Binding | None = None) -> None:
    """Find out, in a process of its own, whether policies and their tests can be read. Raises PolicyLoadError."""
    report = _in_a_process(Job(sources, ENTRYPOINT, DEFAULT_LIMITS, binding=binding, tests=True))
    if report.complaints:
        raise refuse(report.complaints)


def ended(last: bytes, code: int, limits: Limits, why: str = "") -> Report:
    """What to report of a process that ended during a check, after this line; `why` if that is known."""
    return Report((confined.ended(last, code, limits, why),))
