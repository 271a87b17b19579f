"""Policies of namespaces in a server as a whole, with a cluster that changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop

from dnspolicy.app.app import App
from dnspolicy.app.reading import read_plan
from dnspolicy.chain.clock import SystemClock
from dnspolicy.engines.rego.binding import CHOICE, Binding, available, preferred
from dnspolicy.engines.tiers.process import MODULE
from dnspolicy.model.answer import Answer
from dnspolicy.model.errors import ConfigError
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Type, rcode_text
from dnspolicy.testing.apiserver import FakeApiServer
from tests.e2e.process import free_port, own_ip
from tests.unit.engines.tiers.endless import PAIRS

PATIENCE = 60.0
COREFILE = """.:{port} {{
    bind {ip}
    hosts {{
        192.0.2.1 www.example
    }}
    policy {{
        rego rules
        timeout 5s
        tenants {{
            configmap dns-policy
            timeout 1s
        }}
    }}
    kubernetes cluster.local {{
        endpoint {api}
    }}
}}
"""
RULES = 'package dnspolicy\n\ndecision := {"action": "allow", "rule": "op", "reason": "op"} if input.query.name\n'
ENDLESS = f"""package dnspolicy

decision := {{"action": "allow", "rule": "x", "reason": "x"}} if {{
	input.query.name == "www.example"
	a0 := input.client.ip
	b0 := lower(a0)
{PAIRS}
	a49 == b49
}}
"""
"""Passes every check, as no sample asks for that name, and has no end where nothing in its process can stop it."""
native = pytest.mark.skipif(
    preferred() is not Binding.NATIVE or not available(Binding.NATIVE),
    reason="the native binding is not there; `make native` builds it",
)


def app(folder: Path, api: str, rules: str = RULES) -> App:
    ip = own_ip()
    (folder / "rules").mkdir()
    (folder / "rules" / "rule.rego").write_text(rules)
    (folder / "Corefile").write_text(COREFILE.format(ip=ip, port=free_port(ip), api=api))
    return App(read_plan(folder / "Corefile", {}), clock=SystemClock(), out=lambda _: None, err=lambda _: None)


def own(namespace: str, look: str) -> dict[str, Any]:
    text = f'package dnspolicy\n\ndecision := {{"action": "block", "as": "{look}", "rule": "x", "reason": "x"}}\n'
    meta = {"name": "dns-policy", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"policy.rego": text}}


def pod(namespace: str, address: str) -> dict[str, Any]:
    status = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}
    meta = {"name": "web", "namespace": namespace, "uid": namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"nodeName": "n"}, "status": status}


async def code(server: App, source: str) -> str:
    asked = from_text("www.example")
    outcome = await server.ask(Query(asked, Type.A, asked), source)
    assert outcome is not None
    assert isinstance(outcome.reply, Answer)
    return rcode_text(outcome.reply.rcode)


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await holds():  # noqa: ASYNC110 what it looks at tells nobody
            await asyncio.sleep(0.02)


def ended(server: App) -> dict[tuple[str, ...], float]:
    return server.parts.metrics.counter("dnspolicy_tenant_process_ended_total", "", ("namespace",)).values


def misses(server: App) -> float:
    found = server.parts.metrics.counter("dnspolicy_decision_cache_misses_total", "")
    return sum(found.values.values())


@pytest.mark.parametrize("rules", [RULES, "no rego"], ids=["sound", "not even looked at"])
def test_without_the_native_binding_the_configuration_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rules: str
) -> None:
    monkeypatch.setenv(CHOICE, "wheel")
    with pytest.raises(ConfigError, match=r"^[^\n]*make native[^\n]*$"):
        app(tmp_path, "http://127.0.0.1:1", rules)


@native
def test_a_change_counts_for_its_namespace_and_costs_no_other(tmp_path: Path) -> None:
    async def story() -> None:
        async with FakeApiServer() as api:
            for space in ("lab", "shop"):
                api.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}})
            api.put(pod("lab", "10.0.0.1"))
            api.put(pod("shop", "10.0.0.2"))
            api.put(own("lab", "refused"))
            api.put({**own("shop", "nodata"), "metadata": {"name": "another", "namespace": "shop"}})
            server = app(tmp_path, api.url)
            await server.start()
            try:
                assert (await code(server, "10.0.0.1"), await code(server, "10.0.0.2")) == ("REFUSED", "NOERROR")
                api.put(own("lab", "nxdomain"))

                async def renamed() -> bool:
                    return await code(server, "10.0.0.1") == "NXDOMAIN"

                await until(renamed)
                before = misses(server)
                assert await code(server, "10.0.0.2") == "NOERROR"
                assert misses(server) == before
                api.remove("ConfigMap", "lab", "dns-policy")

                async def allowed() -> bool:
                    return await code(server, "10.0.0.1") == "NOERROR"

                await until(allowed)
            finally:
                await server.stop()

    asyncio.run(story())


@native
def test_a_policy_that_could_not_be_made_ready_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dnspolicy.app.supply.tenants.AGAIN", 0.01)
    monkeypatch.setattr("dnspolicy.engines.tiers.process.MODULE", "dnspolicy.none")

    async def story() -> None:
        async with FakeApiServer() as api:
            api.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "lab"}})
            api.put(pod("lab", "10.0.0.1"))
            api.put(own("lab", "refused"))
            server = app(tmp_path, api.url)
            await server.start()
            try:
                assert await code(server, "10.0.0.1") == "SERVFAIL"
                monkeypatch.setattr("dnspolicy.engines.tiers.process.MODULE", MODULE)

                async def refused() -> bool:
                    return await code(server, "10.0.0.1") == "REFUSED"

                await until(refused)
            finally:
                await server.stop()

    asyncio.run(story())


@native
def test_a_policy_that_nothing_stops_hurts_its_namespace_only(tmp_path: Path) -> None:
    endless = own("lab", "refused")
    endless["data"]["policy.rego"] = ENDLESS

    async def story() -> None:
        async with FakeApiServer() as api:
            for space, address in (("lab", "10.0.0.1"), ("shop", "10.0.0.2"), ("free", "10.0.0.3")):
                api.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}})
                api.put(pod(space, address))
            api.put(endless)
            api.put(own("shop", "nodata"))
            server = app(tmp_path, api.url)
            await server.start()
            try:
                asking = [asyncio.create_task(code(server, "10.0.0.1")) for _ in range(5)]
                while not all(task.done() for task in asking):
                    assert await code(server, "10.0.0.3") == "NOERROR"
                    await asyncio.sleep(0.01)
                assert {task.result() for task in asking} == {"SERVFAIL"}

                async def shop_is_asked_again() -> bool:
                    return await code(server, "10.0.0.2") == "NOERROR" and ended(server) == {("lab",): 1.0}

                await until(shop_is_asked_again)
            finally:
                await server.stop()

    uvloop.run(story())
