"""`dnspolicy play`: ask as any pod while policies are edited."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from dnspolicy.app.parts import Use
from dnspolicy.app.plan import BlockPlan, Plan
from dnspolicy.chain.clock import SystemClock
from dnspolicy.cli.configured import add_conf, plan_of
from dnspolicy.cli.explain import following
from dnspolicy.cli.player import COMMANDS, Player, PlayerApp
from dnspolicy.cli.typed import Typed
from dnspolicy.corefile.schema import Duration
from dnspolicy.plugins.policy import Config

LOOK = Duration(0.2)
"""Seconds between two looks at the policies: somebody is waiting."""
PROMPT = "> "
_ABOUT = """\
Ask as any pod while you edit: nothing listens, policies and manifests are watched, and when they change the last
question is asked again and what has changed is shown. A policy that does not load is shown with its complaint, and
the one before it stays. Reads commands from standard input. Exit code 0 at the end, 2 when it cannot begin.
"""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "play",
        help="ask as any pod while you edit policies",
        description=_ABOUT,
        epilog="commands:\n" + "\n".join(f"  {usage:<18} {says}" for usage, says in COMMANDS.values()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_conf(parser)
    parser.add_argument("--as", dest="client", default="", metavar="NAMESPACE/POD|ADDRESS", help="who asks at first")
    return parser


def run(args: argparse.Namespace) -> int:
    """0 at the end. Raises ConfigError and PolicyLoadError."""
    return asyncio.run(_play(_quick(plan_of(args)), args.client))


async def _play(plan: Plan, client: str) -> int:
    app = PlayerApp(plan, clock=SystemClock(), out=print, err=print, memo=False, use=Use.ASK)
    player = Player(app, plan, _print)
    typed = Typed(sys.stdin, PROMPT)
    async with following(app):
        await app.engines.start()
        with _heard(player):
            for line in app.announcement():
                _print(line)
            _print("`help` lists the commands")
            if client:
                await player.command(f"as {client}")
            await _commands(app, player, typed)
    return 0


async def _commands(app: PlayerApp, player: Player, typed: Typed) -> None:
    """Until the end of the input: what is typed, and what changes meanwhile."""
    moved: asyncio.Task[bool] = asyncio.create_task(app.moved.wait())
    line: asyncio.Task[str | None] = asyncio.create_task(typed.line())
    try:
        while True:
            await asyncio.wait((moved, line), return_when=asyncio.FIRST_COMPLETED)
            if moved.done():
                app.moved.clear()
                if await player.again():
                    typed.prompt()
                moved = asyncio.create_task(app.moved.wait())
                continue
            text = line.result()
            if text is None or not await player.command(text):
                return
            line = asyncio.create_task(typed.line())
    finally:
        moved.cancel()
        line.cancel()


def _quick(plan: Plan) -> Plan:
    """The same plan with policies looked at more often."""

    def looked(block: BlockPlan) -> BlockPlan:
        rooms = tuple(
            msgspec.structs.replace(room, config=msgspec.structs.replace(room.config, reload=LOOK))
            if isinstance(room.config, Config)
            else room
            for room in block.rooms
        )
        return msgspec.structs.replace(block, rooms=rooms)

    return msgspec.structs.replace(plan, blocks=tuple(map(looked, plan.blocks)))


class _Heard(logging.Handler):
    """What the server would log is shown, whatever thread it comes from."""

    def __init__(self, player: Player) -> None:
        super().__init__(logging.INFO)
        self._player = player
        self._loop = asyncio.get_running_loop()

    def emit(self, record: logging.LogRecord) -> None:
        self._loop.call_soon_threadsafe(self._player.heard, record.getMessage())


@contextmanager
def _heard(player: Player) -> Iterator[None]:
    log = logging.getLogger("dnspolicy")
    handler, before = _Heard(player), log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(before)


def _print(line: str) -> None:
    try:
        print(line, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
