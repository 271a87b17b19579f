"""`dnspolicy policy shadow-report`: what rules in shadow, and the candidate, would have done so far."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

from dnspolicy.audit.record import QueryRecord, RepeatRecord
from dnspolicy.audit.show import safe
from dnspolicy.cli.configured import whole
from dnspolicy.cli.policy.counting import Counts, Row, table
from dnspolicy.cli.policy.streams import Stream, add_records, namespace, weight
from dnspolicy.model.verdict import Action

FOUND = 1
CANNOT = 2
_ABOUT = """\
Count the queries that rules in shadow, or the candidate policy, would have decided, by rule, namespace of the
client, and name. A repeat counts for all the queries it stands for. Exit code 0; 1 when something was found that
--fail-on names; 2 when the records cannot be read.
"""
_EXAMPLES = """\
examples:
  dnspolicy policy shadow-report audit.jsonl --since 24h
  dnspolicy policy shadow-report audit.jsonl.1.gz audit.jsonl --rule site/new -f json
  kubectl -n kube-system logs deploy/dnspolicy | dnspolicy policy shadow-report - --from candidate --fail-on block
"""
RULE, CANDIDATE = "rule", "candidate"


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "shadow-report",
        help="what rules in shadow and the candidate would have done",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_records(parser)
    parser.add_argument(
        "--from", dest="source", choices=(RULE, CANDIDATE), help="only rules in shadow, or the candidate"
    )
    parser.add_argument("--would", choices=list(Action), help="only what would have been decided so")
    parser.add_argument("--rule", metavar="RULE", help="only this rule")
    parser.add_argument("--namespace", metavar="NAME", help="only clients of this namespace")
    parser.add_argument("--top", type=whole, default=50, metavar="N", help="rows of the table (default: %(default)s)")
    parser.add_argument("-f", "--format", choices=("table", "json"), default="table", help="default: %(default)s")
    parser.add_argument(
        "--fail-on", action="append", choices=list(Action), default=[], help="exit code 1 if found; may be repeated"
    )
    return parser


class Report:
    """What would have been done, by source, verdict, rule, namespace and name."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        self.counts = Counts()
        self.all = Row()
        self.otherwise = 0
        self.revisions: dict[str, set[str]] = {"in_force": set(), CANDIDATE: set()}

    def add(self, record: QueryRecord) -> None:
        """Count one record."""
        queries = weight(record)
        first, last = (record.first, record.last) if isinstance(record, RepeatRecord) else (record.time, record.time)
        self.all.add(queries, first, last)
        if isinstance(record.revision, str):
            self.revisions["in_force"].add(record.revision)
        keys = set(self._keys(record))
        for key in keys:
            self.counts.add(key, queries, first, last)
        self.otherwise += queries if keys else 0

    def _keys(self, record: QueryRecord) -> Iterator[tuple[str, ...]]:
        wanted = self._args
        where = namespace(record)
        for would in record.would:
            source = CANDIDATE if would.candidate else RULE
            if would.revision is not None:
                self.revisions[CANDIDATE].add(would.revision)
            asked = (wanted.source, wanted.would, wanted.rule, wanted.namespace)
            given = (source, would.verdict.value, would.rule, where)
            if all(a is None or a == g for a, g in zip(asked, given, strict=True)):
                yield (*given, would.name)

    def document(self) -> dict[str, Any]:
        """The report as JSON."""
        rows = [
            dict(zip(("from", "would", "rule", "namespace", "name"), key, strict=True))
            | {"queries": row.queries, "first": row.first, "last": row.last}
            for key, row in self.counts.ordered()
        ]
        return {
            "queries": self.all.queries,
            "first": self.all.first,
            "last": self.all.last,
            "otherwise": self.otherwise,
            "revisions": {what: sorted(found) for what, found in self.revisions.items()},
            "rows": rows,
        }

    def print(self, top: int) -> None:
        """The report for people."""
        if not self.all.queries:
            print("no queries in these records")
            return
        print(
            f"{self.all.queries} queries from {safe(self.all.first)} to {safe(self.all.last)}, "
            f"{self.otherwise} with something to report"
        )
        for what, found in self.revisions.items():
            if found:
                print(f"{what.replace('_', ' ')}: revision {', '.join(map(safe, sorted(found)))}")
        if not self.counts.rows:
            return
        print("\n" + table(("FROM", "WOULD", "RULE", "QUERIES", "NAMESPACES", "NAMES"), self._by_rule()))
        rows = self.counts.ordered()
        print(
            "\n"
            + table(
                ("QUERIES", "FROM", "WOULD", "RULE", "NAMESPACE", "NAME", "LAST"),
                [(str(row.queries), *key, row.last) for key, row in rows[:top]],
            )
        )
        if len(rows) > top:
            print(f"… and {len(rows) - top} rows more, see --top")

    def _by_rule(self) -> Iterator[tuple[str, ...]]:
        rules: dict[tuple[str, ...], tuple[int, set[str], set[str]]] = {}
        for (source, would, rule, where, name), row in self.counts.rows.items():
            queries, namespaces, names = rules.get((source, would, rule), (0, set(), set()))
            rules[source, would, rule] = (queries + row.queries, namespaces | {where}, names | {name})
        for key, (queries, namespaces, names) in sorted(rules.items(), key=lambda item: -item[1][0]):
            yield (*key, str(queries), str(len(namespaces)), str(len(names)))


def run(args: argparse.Namespace) -> int:
    """0, 1 or 2, see the parser."""
    stream, report = Stream(args), Report(args)
    for record in stream.queries():
        report.add(record)
    if args.format == "json":
        print(json.dumps(report.document() | {"unreadable": stream.unreadable, "lost": stream.lost}, indent=2))
    else:
        report.print(args.top)
    stream.complain()
    if stream.is_none:
        return CANNOT
    found = {key[1] for key in report.counts.rows}
    return FOUND if found & set(args.fail_on) else 0
