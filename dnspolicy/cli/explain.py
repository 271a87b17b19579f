"""`dnspolicy explain`: how a question would go, without a running server."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import json
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from dnspolicy.app.app import App
from dnspolicy.app.parts import Use
from dnspolicy.app.plan import Plan
from dnspolicy.chain.clock import SystemClock
from dnspolicy.chain.context import Judgement
from dnspolicy.chain.observer import Outcome
from dnspolicy.cli.configured import add_conf, plan_of
from dnspolicy.cli.titles import title_at
from dnspolicy.model.answer import Answer
from dnspolicy.model.errors import BadName, ConfigError
from dnspolicy.model.identity import Identity
from dnspolicy.model.name import from_text
from dnspolicy.model.printable import escaped, printable
from dnspolicy.model.query import Edns, Query, Transport
from dnspolicy.model.rr import rcode_text, type_number, type_text
from dnspolicy.model.verdict import Action, Mode, Origin, Phase, Verdict
from dnspolicy.policy.input import PolicyInput, encode
from dnspolicy.policy.settings.failure import FailureKind
from dnspolicy.wire import rdata

Part = str | tuple[str, str]
"""Text, or text with its style."""
_NOT_OF_A_FILE = {Origin.DEFAULT: "the default of the policy block", Origin.FAILURE: "the failure table"}
COLOURS = {Action.ALLOW: "green", Action.BLOCK: "red", Action.REWRITE: "yellow", Action.REDIRECT: "cyan"}

_ABOUT = """\
Answer one question as a client would get it, and show who the client is, which names were judged, by which
rule and why. Nothing listens; names outside the cluster are asked of the upstreams. Exit code 0 when the
question was answered, also by a block; 2 when it cannot be asked.
"""
_EXAMPLES = """\
examples:
  dnspolicy explain --as shop/web-x2x7k api.pay.svc.cluster.local
  dnspolicy explain --as shop/web-x2x7k --vs test/web-q9w2m db.internal.example AAAA
  dnspolicy explain --as 10.244.1.17 www.example.com
"""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "explain",
        help="show how a question would be answered, and why",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_conf(parser)
    parser.add_argument("--as", dest="client", required=True, metavar="NAMESPACE/POD|ADDRESS", help="who asks")
    parser.add_argument("--vs", metavar="NAMESPACE/POD|ADDRESS", help="another client to compare with")
    parser.add_argument("--tcp", action="store_true", help="ask over TCP")
    parser.add_argument("--input", action="store_true", help="show the input document the policy is given")
    parser.add_argument("name", metavar="NAME", help="the name to resolve, in full: no search list is walked")
    parser.add_argument("type", metavar="TYPE", nargs="?", default="A", help="the record type (default: %(default)s)")
    return parser


def run(args: argparse.Namespace) -> int:
    """0 when the question was answered, also when the answer is a block; 2 when it cannot be asked."""
    try:
        name = from_text(args.name)
        qtype = type_number(args.type)
    except (BadName, ValueError) as problem:
        raise ConfigError(str(problem)) from None
    transport = Transport.TCP if args.tcp else Transport.UDP
    query = Query(name, qtype, name, transport=transport, edns=Edns(1232))
    return asyncio.run(_explain(plan_of(args), query, args))


async def _explain(plan: Plan, query: Query, args: argparse.Namespace) -> int:
    app = App(plan, clock=SystemClock(), out=print, err=_complain, memo=False, use=Use.ASK)
    page = Page(app, Paper(), show_input=args.input)
    outcomes: list[Outcome] = []
    async with following(app):
        sources = [address_of(app, *said) for said in (("--as", args.client), ("--vs", args.vs)) if said[1]]
        for source in sources:
            outcome = await app.ask(query, source)
            if outcome is not None and _was_late(outcome):
                outcome = await app.ask(query, source)
            if outcome is None:
                raise ConfigError(f"no server block answers {query.name}; it would be REFUSED")
            for judge in app.rooms.judges:
                await judge.told()
            if outcomes:
                page.line("")
            page.show(outcome)
            outcomes.append(outcome)
    if args.vs:
        page.compare(*outcomes)
    return 0


def _complain(line: str) -> None:
    print(line, file=sys.stderr)


@asynccontextmanager
async def following(app: App) -> AsyncIterator[None]:
    """The clusters are loaded, as far as they are within the time a start waits for them."""
    clusters = app.rooms.sources
    try:
        for cluster in clusters:
            await cluster.start()
        await asyncio.gather(*(cluster.synced(app.rooms.startup_timeout) for cluster in clusters))
        await app.engines.settle()
        yield
    finally:
        await app.engines.stop()
        await asyncio.gather(*(cluster.stop() for cluster in clusters))


def _was_late(outcome: Outcome) -> bool:
    """Whether a decision came too late, as the first one of an engine that was just started may."""
    late = f"failure/{FailureKind.TIMEOUT}"
    return any(said.verdict.origin is Origin.FAILURE and said.verdict.rule == late for said in outcome.judgements)


def address_of(app: App, option: str, client: str) -> str:
    """The source address of the client an option names. Raises ConfigError when the cluster has no such pod."""
    namespace, slash, name = client.partition("/")
    if not slash:
        try:
            return str(ipaddress.ip_address(client))
        except ValueError:
            raise ConfigError(f"{option} {printable(client)}: expected NAMESPACE/POD or an IP address") from None
    pod = app.view.pod(namespace, name)
    if pod is None:
        why = "the cluster is not loaded" if app.view.missing() else "the cluster has no such pod"
        raise ConfigError(f"{option} {printable(client)}: {why}")
    if not pod.addresses:
        raise ConfigError(f"{option} {client}: the pod has no address yet")
    return str(pod.addresses[0])


class Paper(Console):
    """Where pages are printed. Who closed the pipe has enough, as for all other commands."""

    def __init__(self) -> None:
        super().__init__(highlight=False, soft_wrap=True)

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


class Page:
    """Prints outcomes for people. What comes from names and records is escaped before it gets here."""

    def __init__(self, app: App, console: Console, show_input: bool) -> None:
        self._app = app
        self._console = console
        self._show_input = show_input

    def line(self, *parts: Part) -> None:
        self._console.print(Text.assemble(*parts))

    def show(self, outcome: Outcome) -> None:
        query = outcome.query
        self.line(("client    ", "bold"), *_client(outcome.identity))
        for fact in _facts(outcome.identity):
            self.line("          ", fact)
        block = f"server block {outcome.zone} ({outcome.server})"
        self.line(("question  ", "bold"), f"{query.asked} {type_text(query.qtype)} over {query.transport}, {block}")
        for judgement in different(outcome.judgements):
            self._judgement(judgement)
        if not outcome.judgements:
            self.line(("policy    ", "bold"), "none in this server block")
        if self._show_input:
            self.input(outcome)
        self._answer(outcome)

    def _judgement(self, judgement: Judgement) -> None:
        verdict = judgement.verdict
        about = "the answer" if judgement.phase is Phase.RESPONSE else judgement.name
        if verdict.trigger.startswith("cname:"):
            about = f"{judgement.name} (alias in the answer)"
        self.line(("judged    ", "bold"), about, " → ", *described(verdict))
        place = self._app.rooms.engines.source_of(verdict.rule)
        if place is not None:
            place = place.removeprefix(f"{Path.cwd()}/")
        place = _NOT_OF_A_FILE.get(verdict.origin, place)
        self.line("          rule ", (verdict.rule, "bold"), f" at {place}" if place is not None else "")
        title = title_at(place) if place is not None and verdict.origin is Origin.POLICY else ""
        if title:
            self.line("          of ", (title, "italic"))
        self.line("          because ", verdict.reason)
        for would in verdict.shadow:
            self.line(
                "          shadow: would ", (would.action.value, "magenta"), f", rule {would.rule}: {would.reason}"
            )
        other = verdict.beside.would if verdict.beside is not None else None
        if other is not None:
            self.line(
                "          candidate: would ", (other.action.value, "magenta"), f", rule {other.rule}: {other.reason}"
            )
        self.line(f"          revision {verdict.revision or 'none'}, {judgement.seconds * 1e6:.0f} µs")

    def input(self, outcome: Outcome) -> None:
        target = self._app.view.targets(outcome.query.name, self._app.rooms.cluster_zones, True)[0]
        document = json.loads(encode(PolicyInput(Phase.QUERY, outcome.identity, outcome.query, target)))
        self.line(("input     ", "bold"), json.dumps(document, indent=2).replace("\n", "\n          "))

    def _answer(self, outcome: Outcome) -> None:
        reply = outcome.reply
        if not isinstance(reply, Answer):
            self.line(("answer    ", "bold"), "none: the query is dropped")
            return
        made = f" from {reply.made_by}" if reply.made_by else ""
        via = f" ({reply.upstream})" if reply.upstream else ""
        self.line(("answer    ", "bold"), f"{rcode_text(reply.rcode)}{made}{via}")
        for records, section in ((reply.answer, ""), (reply.authority, "authority"), (reply.additional, "additional")):
            for record in records:
                shown = f"{record.owner} {record.ttl} {type_text(record.type)} {escaped(rdata.text(record))}"
                self.line(f"          {shown}", (f"  ; {section}" if section else "", "dim"))
        for error in reply.ede:
            self.line(f"          extended error {error.code}: {escaped(error.text)}")
        if outcome.failure:
            self.line(("failure   ", "bold red"), escaped(outcome.failure))
        if outcome.original is not None and isinstance(outcome.original, Answer):
            held = ", ".join(escaped(rdata.text(r)) for r in outcome.original.answer)
            self.line(("held back ", "bold"), held or "an empty answer")

    def compare(self, one: Outcome, other: Outcome) -> None:
        """What differs between two clients."""
        self.line("")
        found = list(differences(one, other))
        if not found:
            self.line(("compared  ", "bold"), "the same verdicts and the same answer for both")
        for what, left, right in found:
            self.line(("compared  ", "bold"), f"{what}: {left} ≠ {right}")


def different(judgements: Iterable[Judgement]) -> Iterable[Judgement]:
    """Without those that say the same of the same name once more: an alias is judged on its way up again."""
    said: list[tuple[str, Phase, Verdict]] = []
    for judgement in judgements:
        this = (judgement.name, judgement.phase, judgement.verdict)
        if this not in said:
            said.append(this)
            yield judgement


def _client(identity: Identity) -> Iterable[Part]:
    if identity.namespace is not None and identity.pod is not None:
        yield (f"{identity.namespace}/{identity.pod}", "bold")
        yield f" ({identity.ip}), "
    else:
        yield (identity.ip, "bold")
        yield ", "
    yield f"kind {identity.kind}: {identity.why}"


def _facts(identity: Identity) -> Iterable[str]:
    if identity.labels:
        yield "labels " + " ".join(f"{k}={v}" for k, v in sorted(identity.labels.items()))
    if identity.namespace_labels:
        yield "namespace labels " + " ".join(f"{k}={v}" for k, v in sorted(identity.namespace_labels.items()))
    owner = f"{identity.owner.kind}/{identity.owner.name}" if identity.owner else None
    for alarm in identity.alarms:
        yield f"alarm {alarm.domain}: {alarm.names} names, {alarm.bytes} bytes, entropy {alarm.entropy}"
    known = {"service account": identity.service_account, "owner": owner, "node": identity.node, "zone": identity.zone}
    if any(known.values()):
        yield ", ".join(f"{what} {value}" for what, value in known.items() if value)


def described(verdict: Verdict) -> Iterable[Part]:
    colour = COLOURS[verdict.action]
    if verdict.mode is Mode.SHADOW:
        yield ("allow", "bold green")
        yield f" (in shadow: would {verdict.action})"
        return
    yield (verdict.action.value, f"bold {colour}")
    if verdict.action is Action.BLOCK and verdict.origin is not Origin.FAILURE:
        yield f" as {verdict.block_as}"
    elif verdict.action is Action.REWRITE:
        yield f" to {verdict.name}"
    elif verdict.action is Action.REDIRECT:
        to = verdict.addresses or verdict.endpoints or verdict.upstreams or (str(verdict.cname),)
        yield f" to {', '.join(to)}"


def differences(one: Outcome, other: Outcome) -> Iterable[tuple[str, str, str]]:
    for what, read in (("verdict", _verdicts), ("rule", _rules), ("answer", records)):
        left, right = read(one), read(other)
        if left != right:
            yield what, left, right


def _verdicts(outcome: Outcome) -> str:
    return ", ".join(j.verdict.action for j in outcome.judgements) or "none"


def _rules(outcome: Outcome) -> str:
    return ", ".join(dict.fromkeys(j.verdict.rule for j in outcome.judgements)) or "none"


def records(outcome: Outcome) -> str:
    if not isinstance(outcome.reply, Answer):
        return "dropped"
    shown = " ".join(escaped(rdata.text(r)) for r in outcome.reply.answer)
    return f"{rcode_text(outcome.reply.rcode)} {shown}".strip()
