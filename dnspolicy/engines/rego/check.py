"""Checks one set of sources, in a process of its own: parsing and evaluating what a stranger wrote may never end.

`python -m dnspolicy.engines.rego.check` reads a Job and answers with a Report, as `engines.rego.confined` has it.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from dnspolicy.engines.rego.binding import Binding, Evaluator, evaluator
from dnspolicy.engines.rego.confined import LOOKING, READING, Begins, serve
from dnspolicy.engines.rego.errors import Complaint, from_regorus
from dnspolicy.engines.rego.failing import RegoError, RegoMemory, RegoTimeout
from dnspolicy.engines.rego.feeding import occupied
from dnspolicy.engines.rego.footprint_ast import footprint
from dnspolicy.engines.rego.functions import functions
from dnspolicy.engines.rego.guards import complaints, missing
from dnspolicy.engines.rego.parse import UnknownSyntax, module
from dnspolicy.engines.rego.program import Program, is_function
from dnspolicy.engines.rego.refused import RULE, refused
from dnspolicy.engines.rego.samples import samples
from dnspolicy.engines.rego.sources import Limits, Sources
from dnspolicy.engines.rego.tree import Call, Module, walk_rule
from dnspolicy.policy.engine import DataPath
from dnspolicy.policy.footprint import Footprint
from dnspolicy.policy.input import encode

PARSING = "reading the file"
TEST_FILE = "_test.rego"


class Job(msgspec.Struct, frozen=True):
    """What to check. With `tests`, these are among the sources: little is said of them, and nothing is evaluated."""

    sources: Sources
    entrypoint: str
    limits: Limits
    declared: tuple[DataPath, ...] = ()
    trusted: bool = True
    binding: Binding | None = None
    tests: bool = False


class Report(msgspec.Struct, frozen=True):
    """What was found. With complaints, the rest means nothing."""

    complaints: tuple[Complaint, ...] = ()
    paths: tuple[tuple[str, ...], ...] = ()
    timeless: bool = True
    is_rule: bool = False
    prints: bool = False

    def footprint(self) -> Footprint:
        return Footprint(frozenset(self.paths), self.timeless)


def check(job: Job, begins: Begins) -> Report:
    """Parse, look for what is refused, then evaluate every rule with sample questions."""
    asked = evaluator(job.binding)
    asked.seconds, asked.memory = job.limits.rule_seconds, job.limits.evaluation_bytes
    texts = {s.file: s.text for s in job.sources.policies}
    found = list(_parse(asked, job, texts, begins))
    if found:
        return Report(tuple(found))
    begins("data", "reading the data")
    try:
        asked.add_data(job.sources.data)
        modules = list(modules_of(asked, job.sources, begins))
    except RegoError as problem:
        return Report((from_regorus(str(problem), texts, "data"),))
    except UnknownSyntax as problem:
        return Report((Complaint("policy", 0, 0, f"{problem} is not understood"),))
    begins("policy", LOOKING)
    program = Program(modules, msgspec.json.decode(job.sources.data))
    if job.tests:
        # of tests this alone: a function that is not replaced makes them say what is not so
        return Report((*[c for c in complaints(program) if not c.file.endswith(TEST_FILE)], *functions(program)))
    entry = tuple(job.entrypoint.split(".")[1:])
    found = [*complaints(program, trusted=job.trusted), *missing(program, entry), *occupied(program, job.declared)]
    found = found or list(_evaluate(asked, program, job, texts, begins))
    found = found or list(_refused(asked, program, job, texts, begins))
    reads = footprint(program, entry)
    return Report(
        tuple(found),
        tuple(sorted(reads.paths)),
        reads.timeless,
        any(p.path == entry for p in program.rules),
        any(isinstance(e, Call) and e.function == "print" for p in program.rules for e in walk_rule(p.rule)),
    )


def modules_of(asked: Evaluator, sources: Sources, begins: Begins) -> Iterator[Module]:
    """The files that were parsed, read. Raises UnknownSyntax, RegoError, and RecursionError at a file that is deep."""
    begins("policy", READING)
    try:
        trees = asked.trees()
    except RecursionError:  # one of them is to blame
        for source in sources.policies:
            begins(source.file, READING)
            alone = evaluator()
            alone.add_policy(source)
            alone.trees()
        raise
    for tree in trees:
        begins(tree["source"]["file"], READING)
        yield module(tree)


def _parse(asked: Evaluator, job: Job, texts: dict[str, str], begins: Begins) -> Iterator[Complaint]:
    limits = job.limits
    asked.set_limits(limits.columns, limits.lines, limits.policy_bytes)
    for source in job.sources.policies:
        begins(source.file, PARSING)
        try:
            asked.add_policy(source)
        except RegoError as problem:
            complaint = from_regorus(str(problem), texts, source.file)
            if complaint.source[complaint.column - 1 : complaint.column] == "$":
                what = "template strings are not understood by the embedded engine"
                complaint = msgspec.structs.replace(complaint, what=what, remedy="use concat or sprintf")
            yield complaint


def _evaluate(
    asked: Evaluator, program: Program, job: Job, texts: dict[str, str], begins: Begins
) -> Iterator[Complaint]:
    """Complaints about rules that fail with a sample question; each rule once."""
    rules: dict[str, str] = {}
    for placed in program.rules:
        if not is_function(placed):
            head = placed.path[: placed.path.index(None)] if None in placed.path else placed.path
            rules.setdefault(_reference([str(s) for s in head]), placed.module.file)
    rules.setdefault(job.entrypoint, program.modules[0].file)
    questions = [(q, encode(q)) for q in samples()]
    failed: set[str] = set()
    for path, file in rules.items():
        begins(file, f"evaluation of rule {path}")
        for question, document in questions:
            try:
                asked.query(path, document)
            except (RegoTimeout, RegoMemory) as problem:
                yield too_much(file, problem, path, job.limits)
                break
            except RegoError as problem:
                complaint = from_regorus(str(problem), texts, file)
                if str(complaint) not in failed:
                    failed.add(str(complaint))
                    seen = f"{question.phase} of {question.query.name} by a client of kind {question.client.kind}"
                    yield msgspec.structs.replace(complaint, remedy=f"seen with the {seen}; guard against it")
                break
        asked.prints()


def _refused(
    asked: Evaluator, program: Program, job: Job, texts: dict[str, str], begins: Begins
) -> Iterator[Complaint]:
    begins("policy", f"evaluation of rule {RULE}")
    try:
        yield from refused(asked, program, job.declared, job.sources.places)
    except (RegoTimeout, RegoMemory) as problem:
        yield too_much("policy", problem, RULE, job.limits)
    except RegoError as problem:
        yield from_regorus(str(problem), texts, "policy")


def too_much(file: str, problem: RegoTimeout | RegoMemory, rule: str, limits: Limits) -> Complaint:
    """What to say of an evaluation that reached a limit; another time the machine may have less to do."""
    late = isinstance(problem, RegoTimeout)
    over = (
        f"took longer than {limits.rule_seconds:g} s"
        if late
        else f"needed more memory than it may have ({limits.evaluation_bytes >> 20} MiB)"
    )
    return Complaint(file, 0, 0, f"evaluation of rule {rule} {over}", unchecked=late)


def _reference(path: list[str]) -> str:
    steps = [f".{s}" if s.isidentifier() and s.isascii() else f"[{msgspec.json.encode(s).decode()}]" for s in path]
    return "data" + "".join(steps)


def main() -> None:
    """The process."""
    with serve(Job, lambda job: job.limits) as (job, begins, answer):
        answer(check(job, begins))


if __name__ == "__main__":
    main()
