"""The commands of `dnspolicy play`, and the last question, which is asked again when something changes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from dnspolicy.app.app import App
from dnspolicy.app.plan import Plan
from dnspolicy.chain.observer import Outcome
from dnspolicy.cli.explain import Page, Paper, address_of, described, differences, different, records
from dnspolicy.cluster.index import Index
from dnspolicy.cluster.objects import Kind, Pod
from dnspolicy.model.answer import Dependencies
from dnspolicy.model.errors import BadName, ConfigError
from dnspolicy.model.name import from_text
from dnspolicy.model.printable import escaped
from dnspolicy.model.query import Edns, Query
from dnspolicy.model.rr import type_number, type_text
from dnspolicy.plugins.policy import Config

COMMANDS = {
    "as": ("as NAMESPACE/POD", "ask as this pod, or as an address; alone: who could ask"),
    "ask": ("ask NAME [TYPE]", "ask a question; alone: the last one again"),
    "why": ("why", "the last question with all that was judged"),
    "input": ("input", "the input document of the last question"),
    "tests": ("tests", "run the tests of the policies"),
    "help": ("help", "this list"),
    "quit": ("quit", "the end; so is the end of the input"),
}
PODS = 30
"""Pods that are listed at most."""
TESTS_SECONDS = 60.0


class PlayerApp(App):
    """Notes when something that answers rest on has moved."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.moved = asyncio.Event()
        super().__init__(*args, **options)

    def changed(self, rests: Dependencies) -> None:
        super().changed(rests)
        self.moved.set()


class Asked(msgspec.Struct, frozen=True):
    """A question and what came of it. `client` as it was typed."""

    client: str
    query: Query
    outcome: Outcome


class Player:
    """Carries commands out; `say` shows a line."""

    def __init__(self, app: PlayerApp, plan: Plan, say: Callable[[str], None]) -> None:
        self._app = app
        self._plan = plan
        self._say = say
        self._page = Page(app, Paper(), show_input=False)
        self._client = ""
        self._last: Asked | None = None
        self._news: list[str] = []

    async def command(self, text: str) -> bool:
        """Carry out what was typed; whether to go on."""
        word, *rest = text.split() or [""]
        try:
            if word == "as" and len(rest) <= 1:
                self._be(*rest)
            elif word == "ask" and len(rest) <= 2:
                await self._ask(*rest)
            elif word in ("why", "input", "tests", "help") and not rest:
                await getattr(self, f"_{word}")()
            elif word == "quit":
                return False
            elif word:
                usage = COMMANDS[word][0] if word in COMMANDS else "help"
                self._say(f"{escaped(text.strip())[:80]}: not understood; try `{usage}`")
        except ConfigError as problem:
            self._say(str(problem))
        return True

    def heard(self, text: str) -> None:
        """What the server has to say; shown with the next look at what changed."""
        for line in text.splitlines():
            self._say(line)
        self._news.append(text)
        self._app.moved.set()

    async def again(self) -> bool:
        """Ask the last question again after a change, and show what is different; whether anything was shown."""
        news, self._news = bool(self._news), []
        last = self._last
        if last is None:
            return news
        try:
            now = await self._answer(last.client, last.query)
        except ConfigError as problem:
            self._say(f"{escaped(last.client)}: {problem}")
            self._last = None
            return True
        changes = list(differences(last.outcome, now.outcome))
        if changes or news:
            self._summary(now)
            for what, before, after in changes:
                self._say(f"  changed: {what}: {before} → {after}")
            if not changes:
                self._say("  as before")
        self._last = now
        return news or bool(changes)

    def _be(self, client: str = "") -> None:
        if client:
            address = address_of(self._app, "as", client)
            self._client = client
            self._say(f"asking as {escaped(client)} ({address})")
            return
        self._say(f"asking as {self._client}" if self._client else "asking as nobody yet")
        pods = sorted(self._pods())
        for name in pods[:PODS]:
            self._say(f"  {name}")
        if len(pods) > PODS:
            self._say(f"  … and {len(pods) - PODS} more")

    def _pods(self) -> Iterator[str]:
        view = self._app.view
        for item in view.held(Kind.POD) if isinstance(view, Index) else ():
            if isinstance(item, Pod) and item.addresses and not item.finished:
                yield f"{item.namespace}/{item.name}"

    async def _ask(self, name: str = "", qtype: str = "A") -> None:
        if not name and self._last is None:
            raise ConfigError("ask what? try `ask NAME [TYPE]`")
        if not self._client:
            raise ConfigError("who asks? try `as NAMESPACE/POD`, or `as` for a list")
        if name or self._last is None:
            query = _query(name, qtype)
        else:
            query = self._last.query
        self._last = await self._answer(self._client, query)
        self._summary(self._last)

    async def _answer(self, client: str, query: Query) -> Asked:
        outcome = await self._app.ask(query, address_of(self._app, "as", client))
        if outcome is None:
            raise ConfigError(f"no server block answers {query.name}; it would be REFUSED")
        return Asked(client, query, outcome)

    def _summary(self, asked: Asked) -> None:
        outcome = asked.outcome
        self._say(
            f"{escaped(asked.client)} asks {asked.query.asked} {type_text(asked.query.qtype)}: {records(outcome)}"
        )
        for judgement in different(outcome.judgements):
            verdict = judgement.verdict
            place = self._app.rooms.engines.source_of(verdict.rule)
            done = "".join(part if isinstance(part, str) else part[0] for part in described(verdict))
            where = f" at {place.removeprefix(f'{Path.cwd()}/')}" if place else ""
            self._say(f"  {judgement.phase}: {done}, rule {verdict.rule}{where}: {verdict.reason}")

    def _shown(self) -> Outcome:
        if self._last is None:
            raise ConfigError("nothing was asked yet; try `ask NAME [TYPE]`")
        return self._last.outcome

    async def _why(self) -> None:
        self._page.show(self._shown())

    async def _input(self) -> None:
        self._page.input(self._shown())

    async def _help(self) -> None:
        for usage, says in COMMANDS.values():
            self._say(f"{usage:<18} {says}")

    async def _tests(self) -> None:
        """In a process of its own: a test that never ends must not end the game."""
        configs = [config for block in self._plan.blocks for config in block.all(Config)]
        folders = dict.fromkeys(str(self._plan.path(text)) for config in configs for text in config.rego)
        if not folders:
            raise ConfigError("no policy here is read from folders")
        command = [sys.executable, "-c", "import sys; from dnspolicy.cli.main import main; sys.exit(main())"]
        process = await asyncio.create_subprocess_exec(
            *command, "policy", "test", *folders, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        try:
            out, _ = await asyncio.wait_for(process.communicate(), TESTS_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise ConfigError(f"the tests took longer than {TESTS_SECONDS:g} s") from None
        self._say(out.decode(errors="replace").rstrip("\n"))


def _query(name: str, qtype: str) -> Query:
    try:
        asked = from_text(name)
        return Query(asked, type_number(qtype.upper()), asked, edns=Edns(1232))
    except (BadName, ValueError) as problem:
        raise ConfigError(str(problem)) from None
