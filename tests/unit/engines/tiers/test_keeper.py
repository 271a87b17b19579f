"""The process that evaluates policies of namespaces: what ends it, and what that costs whom."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import uvloop

from dnspolicy.engines.rego import Loaded, SourceFile, load
from dnspolicy.engines.tiers import evaluate_process, process, turns
from dnspolicy.engines.tiers.holder import Holder
from dnspolicy.engines.tiers.keeper import Keeper
from dnspolicy.engines.tiers.messages import Ask, Put
from dnspolicy.engines.tiers.strikes import FIRST, MOST, Strikes
from dnspolicy.model.errors import EngineBadReply, EngineError, EngineTimeout, EngineUnavailable, PolicyLoadError
from dnspolicy.policy.settings.failure import FailureKind
from tests.stopping import stand_still
from tests.unit.engines.tiers.endless import PAIRS

LONG = 30.0
BLOCK = """package dnspolicy

decision := {"action": "block", "rule": sprintf("r-%v", [input.n]), "reason": "x"}
"""
CONFLICT = """package dnspolicy

decision := {"action": "block"} if input.n

decision := {"action": "allow"} if input.n
"""
ENDLESS = f"""package dnspolicy

decision := {{"action": "block", "rule": "x", "reason": "x"}} if {{
	a0 := input.big
	b0 := input.big + 1 - 1
{PAIRS}
	a49 == b49
}} else := {{"action": "block", "rule": "small", "reason": "x"}}
"""


LARGE = """package dnspolicy

decision := {"action": "block", "rule": concat("", [input.pad | numbers.range(1, 300)[_]]), "reason": "x"}
"""


def starts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with each process that is begun."""
    begun: list[int] = []
    start = process._start

    def counted(share: float, there: socket.socket) -> subprocess.Popen[bytes]:
        begun.append(len(begun))
        return start(share, there)

    monkeypatch.setattr(process, "_start", counted)
    return begun


def loaded(text: str) -> Loaded:
    return load((), more=(SourceFile("p.rego", "p.rego", text.encode()),), isolated=False)


class Story:
    """A keeper, and what it told."""

    def __init__(self) -> None:
        self.struck: list[str] = []
        self.keeper = Keeper(1.0, struck=lambda namespace, _: self.struck.append(namespace))

    async def ask(self, slot: int, n: int = 1, seconds: float = LONG, **more: object) -> str | None:
        """The rule that decides."""
        document = json.dumps({"n": n, **more}).encode()
        said = await self.keeper.ask(slot, document, time.monotonic() + seconds, min(seconds, 1.0))
        return None if said is None else str(json.loads(said)["rule"])

    async def again(self, slot: int) -> str | None:
        """What it says once it can be asked."""
        async with asyncio.timeout(LONG):
            while True:
                try:
                    return await self.ask(slot)
                except EngineUnavailable:
                    await asyncio.sleep(0.02)

    def pid(self) -> int:
        running = self.keeper._process
        assert running is not None
        assert running._process is not None
        return running._process.pid


def children() -> set[str]:
    """Processes that this one began, also those that ended and that nobody waited for."""
    lists = Path("/proc/self/task").glob("*/children")
    return {pid for path in lists for pid in path.read_text().split()}


def told(work: Callable[[Story], Awaitable[None]]) -> None:
    """Run a story on the event loop that the server has."""

    async def run() -> None:
        story = Story()
        try:
            await work(story)
        finally:
            await story.keeper.close()

    uvloop.run(run())


def test_it_says_what_a_policy_says_and_nothing_where_that_says_nothing() -> None:
    async def work(story: Story) -> None:
        slot = await story.keeper.put("lab", loaded(BLOCK))
        assert await story.ask(slot, 7) == "r-7"
        assert await story.keeper.ask(slot, b"{}", time.monotonic() + LONG, LONG) is None

    told(work)


def test_an_error_of_a_policy_is_a_bad_reply_and_ends_nothing() -> None:
    async def work(story: Story) -> None:
        slot = await story.keeper.put("lab", loaded(CONFLICT))
        before = story.pid()
        with pytest.raises(EngineBadReply):
            await story.ask(slot)
        assert story.pid() == before

    told(work)


def test_many_questions_of_many_namespaces_get_their_own_answers() -> None:
    async def work(story: Story) -> None:
        slots = [await story.keeper.put(f"n{i}", loaded(BLOCK.replace("r-", f"{i}-"))) for i in range(4)]
        asked = [(i, n) for n in range(turns.WAITING // 2) for i in range(4)]
        said = await asyncio.gather(*(story.ask(slots[i], n) for i, n in asked))
        assert said == [f"{i}-{n}" for i, n in asked]

    told(work)


def test_too_many_questions_of_one_namespace_are_told_so() -> None:
    async def work(story: Story) -> None:
        slot = await story.keeper.put("lab", loaded(BLOCK))
        room = turns.WAITING + turns.AT_ONCE
        said = await asyncio.gather(*(story.ask(slot, n) for n in range(room + 5)), return_exceptions=True)
        assert [isinstance(one, str) for one in said] == [True] * room + [False] * 5
        assert all(isinstance(one, EngineUnavailable) for one in said[room:])

    told(work)


def test_what_cannot_be_stopped_ends_the_process_and_hurts_its_namespace_only() -> None:
    async def work(story: Story) -> None:
        lab, shop = [await story.keeper.put(n, loaded(t)) for n, t in (("lab", ENDLESS), ("shop", BLOCK))]
        assert await story.ask(lab) == "small"
        before = story.pid()
        with pytest.raises(EngineError):
            await story.ask(lab, big=3, seconds=0.2)
        assert await story.again(shop) is not None
        assert story.pid() != before
        assert story.struck == ["lab"]
        with pytest.raises(EngineUnavailable, match="left alone"):
            await story.ask(lab)

    told(work)


def test_a_policy_that_ends_the_process_while_it_is_put_is_refused() -> None:
    async def work(story: Story) -> None:
        shop = await story.keeper.put("shop", loaded(BLOCK))
        stand_still(story.pid())
        putting = asyncio.create_task(story.keeper.put("lab", loaded(BLOCK)))
        await asyncio.sleep(0)
        os.kill(story.pid(), signal.SIGSEGV)
        os.kill(story.pid(), signal.SIGCONT)
        with pytest.raises(PolicyLoadError, match="ended"):
            await putting
        assert story.struck == ["lab"]
        assert await story.again(shop) == "r-1"

    told(work)


def test_a_policy_that_is_put_while_another_ends_the_process_is_made_ready_in_the_next() -> None:
    async def work(story: Story) -> None:
        lab = await story.keeper.put("lab", loaded(ENDLESS))
        asking = asyncio.create_task(story.ask(lab, big=3, seconds=0.2))
        await asyncio.sleep(0)
        shop = await story.keeper.put("shop", loaded(BLOCK))
        with pytest.raises(EngineError):
            await asking
        assert story.struck == ["lab"]
        assert await story.again(shop) == "r-1"

    told(work)


def test_a_process_that_ends_while_it_starts_is_nobodys_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = starts(monkeypatch)

    async def work(story: Story) -> None:
        slot = await story.keeper.put("lab", loaded(BLOCK))
        with monkeypatch.context() as broken:
            broken.setattr("dnspolicy.engines.tiers.process.MODULE", "dnspolicy.none")
            os.kill(story.pid(), signal.SIGKILL)
            async with asyncio.timeout(LONG):
                while len(begun) < 4:  # noqa: ASYNC110 nobody tells a test
                    await asyncio.sleep(0.01)
        assert await story.again(slot) == "r-1"
        assert story.struck == []

    told(work)


def test_questions_do_not_shorten_the_pause_before_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dnspolicy.engines.tiers.keeper.FIRST_PAUSE", 10 * LONG)
    begun = starts(monkeypatch)

    async def work(story: Story) -> None:
        slot = await story.keeper.put("lab", loaded(BLOCK))
        os.kill(story.pid(), signal.SIGKILL)
        for _ in range(20):
            with pytest.raises(EngineUnavailable):
                await story.ask(slot)
            await asyncio.sleep(0.01)
        assert len(begun) == 1

    told(work)


def test_a_decision_that_is_too_large_does_not_reach_the_server() -> None:
    async def work(story: Story) -> None:
        slot = await story.keeper.put("lab", loaded(LARGE))
        with pytest.raises(EngineBadReply, match="longer than 262144 bytes"):
            await story.ask(slot, pad="x" * 1000)
        assert await story.ask(slot, pad="x" * 10) == "x" * 3000

    told(work)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_what_ends_the_server_leaves_the_process_to_it(ending: signal.Signals) -> None:
    async def work(story: Story) -> None:
        slot = await story.keeper.put("lab", loaded(BLOCK))
        before = story.pid()
        os.kill(before, ending)
        assert [await story.ask(slot, n) for n in range(3)] == ["r-0", "r-1", "r-2"]
        assert story.pid() == before

    told(work)


def test_a_process_that_is_killed_comes_back_with_all_policies() -> None:
    async def work(story: Story) -> None:
        slots = [await story.keeper.put(f"n{i}", loaded(BLOCK)) for i in range(3)]
        before = story.pid()
        os.kill(before, signal.SIGKILL)
        for slot in slots:
            assert await story.again(slot) == "r-1"
        assert story.pid() != before
        assert story.struck == []

    told(work)


def test_a_deadline_that_has_passed_is_a_time_out() -> None:
    async def work(story: Story) -> None:
        slot = await story.keeper.put("lab", loaded(BLOCK))
        with pytest.raises(EngineTimeout):
            await story.ask(slot, seconds=-1.0)
        assert await story.ask(slot) is not None

    told(work)


def test_a_stopped_process_costs_the_deadline_and_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dnspolicy.engines.tiers.process.STUCK", 0.1)

    async def work(story: Story) -> None:
        slot = await story.keeper.put("lab", loaded(BLOCK))
        before = story.pid()
        stand_still(before)
        with pytest.raises(EngineTimeout):
            await story.ask(slot, seconds=0.2)
        async with asyncio.timeout(LONG):
            while story.struck != ["lab"]:  # noqa: ASYNC110 nobody tells a test
                await asyncio.sleep(0.01)

    told(work)


def test_a_stopped_process_does_not_hold_up_who_comes_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dnspolicy.engines.tiers.process.STUCK", 2.0)

    async def work(story: Story) -> None:
        await story.keeper.put("lab", loaded(BLOCK))
        stand_still(story.pid())
        async with asyncio.timeout(LONG):
            with contextlib.suppress(EngineError, PolicyLoadError):
                await story.keeper.put("shop", loaded(BLOCK))

    told(work)


def test_the_old_policy_can_be_asked_by_those_that_began_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dnspolicy.engines.tiers.keeper.LINGER", 0.2)

    async def work(story: Story) -> None:
        old = await story.keeper.put("lab", loaded(BLOCK))
        new = await story.keeper.put("lab", loaded(BLOCK.replace("r-", "new-")))
        story.keeper.forget(old)
        assert await story.ask(old) == "r-1"
        assert await story.ask(new) == "new-1"
        async with asyncio.timeout(LONG):
            while True:
                try:
                    await story.ask(old)
                except EngineUnavailable:
                    break
                await asyncio.sleep(0.02)
        assert await story.ask(new) == "new-1"

    told(work)


@pytest.mark.parametrize("spare", [-1, 1 << 30], ids=["full", "room"])
def test_a_policy_for_which_there_is_no_room_is_refused(spare: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate_process, "FULL", evaluate_process.used() + spare)
    holder = Holder(1.0)
    said = evaluate_process.answer(Put(1, "lab", loaded(BLOCK)), holder)
    assert said is not None
    assert (said.failure, "memory" in said.text) == ((FailureKind.UNAVAILABLE, True) if spare < 0 else (None, False))
    asked = Ask(1, b'{"n": 1}', time.monotonic() + LONG, LONG)
    reply = evaluate_process.answer(asked, holder)
    assert reply is not None
    assert (reply.reply is None) == (spare < 0)


@pytest.mark.parametrize("steps", [0, 1, 2, 20, 200])
def test_closing_while_a_policy_is_put_leaves_no_process(steps: int) -> None:
    async def work(story: Story) -> None:
        putting = asyncio.create_task(story.keeper.put("lab", loaded(BLOCK)))
        for _ in range(steps):
            await asyncio.sleep(0.001)
        await story.keeper.close()
        await asyncio.gather(putting, return_exceptions=True)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    before = children()
    told(work)
    assert children() == before


def test_nothing_is_left_when_it_is_closed() -> None:
    pids: list[int] = []

    async def work(story: Story) -> None:
        await story.keeper.put("lab", loaded(BLOCK))
        pids.append(story.pid())

    told(work)
    assert not Path(f"/proc/{pids[0]}").exists()


def test_pauses_double_for_who_comes_back_soon_and_only_for_them() -> None:
    strikes, now, pauses = Strikes(), 0.0, []
    for _ in range(8):
        pauses.append(strikes.strike("lab", now))
        assert strikes.left("shop", now) == 0.0
        now += strikes.left("lab", now) + 0.1
        assert strikes.left("lab", now) == 0.0
    assert pauses == [min(FIRST * 2**n, MOST) for n in range(8)]
    assert strikes.strike("lab", now + 2 * MOST) == FIRST
