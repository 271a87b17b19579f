"""`dnspolicy policy replay`: judge recorded questions again with another policy, and list what changes."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from dnspolicy.audit.record import QueryRecord, RepeatRecord
from dnspolicy.cli.configured import whole
from dnspolicy.cli.policy.counting import Counts, Row, table
from dnspolicy.cli.policy.judging import FAILURE, Asked, Said, add_world, world
from dnspolicy.cli.policy.rebuilt import Rebuilder, Rebuilt, Skipped
from dnspolicy.cli.policy.streams import Stream, add_records, namespace, weight
from dnspolicy.engines.rego import ENTRYPOINT
from dnspolicy.model.errors import PolicyLoadError
from dnspolicy.model.verdict import Action

CHANGES = 1
CANNOT = 2
FAIL_ON = ("any", "opened", "closed", "none")
_COLUMNS = ("change", "rule", "namespace", "name")
_ABOUT = """\
Judge the questions of audit records again with a candidate policy, and list what it would decide otherwise than was
decided, by rule, namespace of the client, and name. Records of level full hold what a policy is shown, except for
labels that the option `labels` of `audit` does not allow, and endpoints; with --cluster or --conf these are taken from
manifests. What the candidate reads and nobody knows is named and counted, and such questions are not judged. Exit code
0 when nothing changes, 1 when something does that --fail-on names, 2 when it cannot be done.
"""
_EXAMPLES = """\
examples:
  dnspolicy policy replay audit.jsonl --candidate policies/lib policies/tenant-isolation site
  dnspolicy policy replay audit.jsonl --candidate site --cluster cluster --fail-on closed -f json
"""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "replay",
        help="judge recorded questions with another policy",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_records(parser)
    parser.add_argument(
        "--candidate", nargs="+", type=Path, required=True, metavar="DIR", help="folders of the policy to try"
    )
    add_world(parser)
    parser.add_argument("--default", choices=("block", "allow"), default="block",
                        help="what follows when it says nothing (default: %(default)s)")  # fmt: skip
    parser.add_argument("--entrypoint", default=ENTRYPOINT, metavar="RULE", help="default: %(default)s")
    parser.add_argument("--now", action="store_true", help="judge by the present time a policy that reads the clock")
    parser.add_argument(
        "--fail-on",
        choices=FAIL_ON,
        default="any",
        help="what gives exit code 1; opened: to allow, closed: from it (default: %(default)s)",
    )
    parser.add_argument(
        "--strict", action="store_true", help="exit code 2 when a question could not be judged, or records are missing"
    )
    parser.add_argument("--top", type=whole, default=50, metavar="N", help="rows of the table (default: %(default)s)")
    parser.add_argument("-f", "--format", choices=("table", "json"), default="table", help="default: %(default)s")
    return parser


class Replay:
    """Judges records, and counts."""

    def __init__(self, asked: Asked, rebuilder: Rebuilder, now: bool) -> None:
        self._asked = asked
        self._rebuilder = rebuilder
        self._now = now or asked.footprint.timeless
        self.counts = Counts()
        self.all, self.judged, self.changed = Row(), 0, 0
        self.skipped: Counter[str] = Counter()
        self.lacking: Counter[str] = Counter()

    def add(self, record: QueryRecord, allowed: frozenset[str] | None) -> None:
        """Judge one record again."""
        queries = weight(record)
        first, last = (record.first, record.last) if isinstance(record, RepeatRecord) else (record.time, record.time)
        self.all.add(queries, first, last)
        changes: dict[tuple[str, ...], None] = {}
        why: set[str] = set()
        judged = allows = False
        for item in self._rebuilder.questions(record, allowed):
            reason = self._cannot(item, queries)
            if reason is not None:
                why.add(reason)
            elif isinstance(item, Rebuilt):
                new = self._asked.judge(item.question)
                judged, allows = True, new.action == Action.ALLOW
                if item.done.differs(new):
                    changes[change(item.done, new), new.rule, namespace(record), str(item.question.query.name)] = None
        if allows and self._rebuilder.lacks_answer(record):
            why.add("the answer, which the candidate reads, was not shown to a policy or is not in the record")
        for reason in why:
            self.skipped[reason] += queries
        self.judged += queries if judged and not why else 0
        self.changed += queries if changes else 0
        for key in changes:
            self.counts.add(key, queries, first, last)

    def _cannot(self, item: Rebuilt | Skipped, queries: int) -> str | None:
        if isinstance(item, Skipped):
            return item.why
        if not self._now:
            return "the candidate reads the clock or randomness (see --now)"
        for path in item.lacks:
            self.lacking[path] += queries
        return f"not known: {', '.join(item.lacks)}" if item.lacks else None

    def document(self) -> dict[str, Any]:
        """The result as JSON."""
        rows = [
            dict(zip(_COLUMNS, key, strict=True)) | {"queries": row.queries, "first": row.first, "last": row.last}
            for key, row in self.counts.ordered()
        ]
        return {
            "revision": self._asked.revision, "queries": self.all.queries, "judged": self.judged,
            "changed": self.changed, "not_judged": dict(self.skipped.most_common()), "rows": rows,
        }  # fmt: skip

    def print(self, top: int) -> None:
        """The result for people."""
        print(
            f"{self.all.queries} queries, {self.judged} judged again by revision {self._asked.revision}, "
            f"{self.changed} changed"
        )
        for why, queries in self.skipped.most_common():
            print(f"{queries} not judged, or in part: {why}")
        if self.lacking:
            print("what is not known stands in records of level full; labels and endpoints in --cluster, too")
        rows = self.counts.ordered()
        if rows:
            shown = [(str(row.queries), *key) for key, row in rows[:top]]
            print("\n" + table(("QUERIES", *(name.upper() for name in _COLUMNS)), shown))
        if len(rows) > top:
            print(f"… and {len(rows) - top} rows more, see --top")


def change(old: Said, new: Said) -> str:
    """`ALLOW→BLOCK`."""
    return f"{old.action.upper()}→{new.action.upper()}"


def fails(keys: set[str], wanted: str) -> bool:
    """Whether any of these changes is one that matters."""
    if wanted == "any":
        return bool(keys)
    if wanted == "opened":
        return any(key.endswith("→ALLOW") for key in keys)
    return wanted == "closed" and any(key.startswith("ALLOW→") for key in keys)


def run(args: argparse.Namespace) -> int:
    """0, 1 or 2, see the parser. Raises ConfigError and ManifestError."""
    try:
        asked = Asked(args.candidate, args.entrypoint, args.default)
    except PolicyLoadError as problem:
        print(problem, file=sys.stderr)
        return CANNOT
    stream = Stream(args)
    replay = Replay(asked, Rebuilder(asked.footprint, world(args)), args.now)
    for record in stream.queries():
        replay.add(record, stream.labels.get(record.instance))
    if args.format == "json":
        print(json.dumps(replay.document() | {"unreadable": stream.unreadable, "lost": stream.lost}, indent=2))
    else:
        replay.print(args.top)
    stream.complain()
    changes = {key[0] for key in replay.counts.rows}
    if stream.is_none or (not replay.judged and replay.all.queries):
        return CANNOT
    if (args.strict and (replay.skipped or not stream.is_whole)) or any(
        key.endswith(FAILURE.upper()) for key in changes
    ):
        return CANNOT
    return CHANGES if fails(changes, args.fail_on) else 0
