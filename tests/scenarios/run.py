"""Plays a story: the whole server on loopback sockets, name servers around it, clients at their own addresses.

python -m tests.scenarios.run [STORY...]
"""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from string import Template
from typing import Any

import msgspec
import yaml

import dnspolicy
from dnspolicy.app import App, read_plan, resolver
from dnspolicy.plugins.alarms import Alarms
from dnspolicy.testing.upstream import FakeUpstream
from tests.scenarios import asking, cluster, upstreams
from tests.scenarios.engines import HOLD, Engine, deciding, poll
from tests.scenarios.expected import differences, shape
from tests.scenarios.instants import Words
from tests.scenarios.story import STORIES, Step, Story, read

LIBRARY = Path(dnspolicy.__file__).parent.parent / "policies"
PATIENCE = 10.0
"""Seconds that a change may take to be in force."""
MAIN = "main"
COREFILE = """
$blocks
.:$port {
    bind $listen
    errors
    policy {
        timeout 5s
        reload 20ms
        $policy
    }
    audit {
        level full
        file audit.jsonl
        fold 0
        labels app track
    }
    cache 30 {
        $cache
    }
    loadbalance
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        $source
        pods verified
        $kubernetes
    }
    forward . $main
    $server
}
"""


class Wrong(AssertionError):
    """What came is not what the story says."""


class Shifted:
    """The system's time, which a story can move on."""

    def __init__(self) -> None:
        self.passed = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.passed

    def wall(self) -> float:
        return time.time() + self.passed


def play(story: Story, folder: Path, engine: Engine = Engine.REGO) -> None:
    """Play a story in an empty folder. Raises Wrong."""
    asyncio.run(_Stage(story, folder, engine).play())


class _Stage:
    def __init__(self, story: Story, folder: Path, engine: Engine) -> None:
        self._story = story
        self._folder = folder
        self._cluster = cluster.merged({}, story.cluster)
        self._upstreams = {name: FakeUpstream() for name in (MAIN, *story.upstreams)}
        self._records: list[tuple[Step, tuple[str, int, str, str]]] = []
        self._clock = Shifted()
        self._rego = self._folders()
        self._engine = deciding(engine, self._rego, story.options.policy, folder, self._clock)

    async def play(self) -> None:
        async with AsyncExitStack() as stack:
            for name, upstream in self._upstreams.items():
                upstreams.teach(upstream, self._story.upstream if name == MAIN else self._story.upstreams[name])
                await stack.enter_async_context(upstream)
            self._prepare()
            await self._engine.start()
            stack.push_async_callback(self._engine.stop)
            self._app = await self._started()
            stack.push_async_callback(self._app.stop)
            for number, step in enumerate(self._story.steps, 1):
                try:
                    await self._step(step)
                except (Wrong, TimeoutError) as problem:
                    raise Wrong(f"step {number}: {str(problem) or 'nothing came'}") from None
        self._check_records()
        self._check_upstreams()

    def _prepare(self) -> None:
        """Policies, data and cluster as files."""
        resolver.RESOLV_CONF = self._folder / "resolv.conf"  # what this machine searches is no part of a story
        (self._folder / "site").mkdir()
        (self._folder / "cluster").mkdir()
        if isinstance(self._story.policy, str):
            self._write("site/policy.rego", self._story.policy)
        self._write("site/data.json", json.dumps(self._story.data))
        for path, text in self._story.files.items():
            self._write(path, text)
        self._write_cluster()

    async def _started(self) -> App:
        """The server at an address of its own. The folder of the cluster is looked at when the story says."""
        hosts = [f"127.{random.randint(100, 250)}.{random.randint(0, 250)}.{random.randint(1, 250)}"]
        if "ipv6" in self._story.needs:
            hosts.append("::1")
        for host in hosts:
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.bind((host, 0))
                port: int = sock.getsockname()[1]
        self._servers = {"." if "." in host else ":": (host, port) for host in hosts}
        corefile = self._folder / "Corefile"
        corefile.write_text(self._corefile(hosts, port))
        app = App(read_plan(corefile, {}), clock=self._clock, out=_nowhere, err=_nowhere)
        await app.start()
        for source in app.parts.sources.values():
            await source.stop()
        return app

    def _corefile(self, hosts: list[str], port: int) -> str:
        options = self._story.options
        rego = " ".join(self._rego)
        place = {"port": port, "listen": " ".join(hosts), "rego": rego, "main": self._upstreams[MAIN].address}
        return Template(COREFILE).substitute(
            place, blocks=Template(options.blocks).substitute(place),
            source="manifests cluster" if self._story.synced else "endpoint http://127.0.0.1:1",
            policy="\n".join(self._engine.lines), kubernetes="\n".join(options.kubernetes),
            cache="\n".join(options.cache), server="\n".join(options.server),
        )  # fmt: skip

    def _folders(self) -> list[str]:
        names = [] if isinstance(self._story.policy, str) else ["lib", *self._story.policy]
        return [*(str(LIBRARY / name) for name in names), str(self._folder / "site")]

    async def _step(self, step: Step) -> None:
        if step.change:
            self._cluster = cluster.merged(self._cluster, step.change)
            self._write_cluster()
        for path, text in step.write.items():
            self._write(path, text)
        before = self._policy_state()
        if step.change or step.write:
            poll(self._app.parts)
            self._engine.look()
        if step.tenants:
            await _until(lambda: self._policy_state() != before, "policies of namespaces stay as they were")
        if step.policy or step.data is not None:
            await self._replace_policy(step)
        self._clock.passed += step.later
        for room in self._app.rooms.everything if step.later else ():
            if isinstance(room, Alarms):
                room.expire()
        if step.ask:
            await self._ask(step)

    async def _replace_policy(self, step: Step) -> None:
        """Write the policy, and wait until it is in force or refused."""
        with_data = step.data is not None and not step.policy
        before = self._policy_state(with_data)
        if step.data is not None:
            self._write("site/data.json", json.dumps(step.data))
        if step.policy:
            self._write("site/policy.rego", step.policy)
        await _until(lambda: self._policy_state(with_data) != before, "the policy stays as it was")
        if with_data and self._engine.data() is not None:
            self._clock.passed += HOLD
        revisions, refused = self._policy_state(with_data)
        if step.refused is not (refused > before[1]) or step.refused is not (revisions == before[0]):
            raise Wrong(f"the policy is {'refused' if refused > before[1] else 'in force'}")

    def _policy_state(self, with_data: bool = False) -> tuple[tuple[object, ...], float]:
        data = [self._engine.data()] if with_data else []
        refused = self._app.parts.metrics.counter("dnspolicy_policy_reload_failed_total", "")
        return (*self._app.rooms.engines.announcement(), *data), sum(refused.values.values()) + self._engine.refused()

    async def _ask(self, step: Step) -> None:
        source = self._source(step.by)
        shapes = []
        for question in (question for question in step.questions() for _ in range(step.times)):
            later = asyncio.create_task(self._meanwhile(step.meanwhile)) if step.meanwhile else None
            try:
                asked = await self._asked(step, source, question)
            finally:
                if later is not None:
                    await later
            wrong = differences(asked.reply, step.expected())
            if wrong:
                raise Wrong(f"{step.by} asks {' '.join(question)}: {'; '.join(wrong)}")
            shapes.append((question, shape(asked.reply)))
            if step.record:
                self._records.append((step, (source, asked.port, *question)))
        if step.alike:
            for question, found in shapes:
                if found != shapes[0][1]:
                    raise Wrong(f"{' '.join(question)} can be told apart: {found}, not {shapes[0][1]}")

    async def _asked(self, step: Step, source: str, question: tuple[str, str]) -> asking.Asked:
        server = self._servers[":" if ":" in source else "."]
        if step.expected().silence:
            return await asking.ask_in_vain(source, server, question)
        return await asking.ask(source, server, question, step.over)

    async def _meanwhile(self, happens: dict[str, Any]) -> None:
        """What happens while the server already has the question."""
        await asyncio.sleep(0.03)
        await self._step(msgspec.convert(happens, Step))

    def _source(self, by: str) -> str:
        """An address, or that of a pod; `namespace/pod address` for one of several."""
        if "/" not in by:
            return by
        held = cluster.addresses(self._cluster["pods"][by])
        return held[0]

    def _write_cluster(self) -> None:
        self._write("cluster/cluster.yaml", yaml.safe_dump_all(cluster.manifests(self._cluster)))

    def _write(self, path: str, text: str) -> None:
        """Replace a file by another one, in one go. `${name}` stands for the upstream of that name."""
        if path.startswith("site/"):
            text = Template(text).safe_substitute(Words({n: u.address for n, u in self._upstreams.items() if u.port}))
        new = self._folder / ".new"
        new.write_text(text)
        new.rename(self._folder / path)

    def _check_records(self) -> None:
        written = [json.loads(line) for line in (self._folder / "audit.jsonl").read_text().splitlines()]
        held = [r for r in written if r["type"] in ("query", "repeat")]
        for step, asked in self._records:
            same = [r for r in held if _asked_by(r) == asked[:3]]
            found = [r for r in same if r["question"]["name"].lower() == asked[3].lower().rstrip(".")] or same
            wrong = "no record" if not found else _missing(step.record, found[0], "")
            if wrong:
                raise Wrong(f"record of {step.ask} by {step.by}: {wrong}")
            held.remove(found[0])

    def _check_upstreams(self) -> None:
        for name, wanted in self._story.asked.items():
            asked = [f"{a.type} {a.name}" for a in self._upstreams[name].asked]
            if asked != wanted:
                raise Wrong(f"upstream {name} was asked {asked}, not {wanted}")


def _asked_by(record: dict[str, Any]) -> tuple[str, int, str]:
    """Address, port and type of a record. A later question may come from the same port."""
    client = record["client"]
    return client["ip"], client.get("port"), record["question"]["type"]


def _missing(wanted: Any, got: Any, at: str) -> str:
    """Where a record does not hold what it should; keys that are not wanted do not count. `null`: not there."""
    if isinstance(wanted, dict):
        if not isinstance(got, dict):
            return f"{at} is {got!r}"
        found = (_missing(value, got.get(key), f"{at}.{key}".lstrip(".")) for key, value in wanted.items())
        return next(filter(None, found), "")
    if isinstance(wanted, list):
        if not isinstance(got, list) or len(got) != len(wanted):
            return f"{at} is {got!r}, not {wanted!r}"
        found = (_missing(w, g, f"{at}[{n}]") for n, (w, g) in enumerate(zip(wanted, got, strict=True)))
        return next(filter(None, found), "")
    return "" if wanted == got else f"{at} is {got!r}, not {wanted!r}"


async def _until(holds: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise Wrong(otherwise)
        await asyncio.sleep(0.005)


def _nowhere(line: str) -> None:
    """Standard output and standard error of the server under test."""


def main(names: list[str]) -> int:
    failed = 0
    for path in sorted(STORIES.glob("*.yaml")):
        if names and not any(name in path.stem for name in names):
            continue
        story = read(path)
        folder = Path(tempfile.mkdtemp())
        try:
            play(story, folder)
            print(f"ok    {path.stem}: {story.scenario}")
        except Wrong as problem:
            failed += 1
            print(f"WRONG {path.stem}: {story.scenario}\n      {problem}")
        finally:
            shutil.rmtree(folder)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
