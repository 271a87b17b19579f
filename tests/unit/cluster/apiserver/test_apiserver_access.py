"""As whom the API server is asked: files, tokens that rotate, certificates, programs."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from apiserver_help import QUICK, World, namespace, until, world

from dnspolicy.cluster.apiserver import access
from dnspolicy.cluster.apiserver.access import Access
from dnspolicy.cluster.apiserver.credentials import Credentials, load, tls_context
from dnspolicy.cluster.apiserver.failures import ApiFailure
from dnspolicy.cluster.apiserver.options import Connect
from dnspolicy.model.errors import ConfigError
from dnspolicy.testing.apiserver import FakeApiServer, Trick
from dnspolicy.testing.certificates import Authority
from dnspolicy.testing.clock import FakeClock

FAR = "2099-01-01T00:00:00Z"


def kubeconfig(folder: Path, server: str, user: dict[str, Any], **cluster: Any) -> Path:
    contexts = [
        {"name": "here", "context": {"cluster": "c", "user": "u"}},
        {"name": "nobody", "context": {"cluster": "c", "user": ""}},
    ]
    document = {
        "current-context": "here",
        "contexts": contexts,
        "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "u", "user": user}],
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(document))
    return path


def plugin(folder: Path, *lines: str) -> dict[str, Any]:
    """A credential plugin: Python that sets `status`."""
    program = folder / "plugin.py"
    said = "print(json.dumps({'apiVersion': api, 'kind': 'ExecCredential', 'status': status}))"
    api = "client.authentication.k8s.io/v1"
    program.write_text("\n".join(["import json, pathlib, sys", f"api = {api!r}", *lines, said]))
    return {"exec": {"apiVersion": api, "command": sys.executable, "args": [str(program)], "interactiveMode": "Never"}}


async def follows(seen: World) -> None:
    assert await seen.source.synced(20), seen.source.complaints()
    seen.server.put(namespace("later"))
    await until(lambda: seen.index.namespace("later"))


def with_tls(folder: Path) -> tuple[Authority, FakeApiServer]:
    authority = Authority(folder)
    return authority, FakeApiServer(tls=authority.listening("server"))


def test_an_endpoint_with_certificates(tmp_path: Path) -> None:
    authority, server = with_tls(tmp_path)
    server.access.certificates = True
    certificate, key = authority.client("dns")

    async def story() -> None:
        await server.start()
        connect = Connect(endpoint=server.url, certificate=certificate, key=key, ca=authority.certificate)
        await server.stop()
        async with world(server, connect=connect) as seen:
            await follows(seen)
            assert {asked.user for asked in server.asked} == {"dns"}

    asyncio.run(story())


def test_a_certificate_of_another_authority_is_refused(tmp_path: Path) -> None:
    _, server = with_tls(tmp_path)
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other")

    async def story() -> None:
        await server.start()
        connect = Connect(endpoint=server.url, ca=other.certificate)
        await server.stop()
        async with world(server, connect=connect) as seen:
            await until(seen.source.complaints)
            assert not await seen.source.synced(0)
            assert "certificate verify failed" in seen.source.complaints()[0]
            assert server.asked == []

    asyncio.run(story())


Config = Callable[[Path, Authority], dict[str, Any]]
USERS: dict[str, Config] = {
    "token": lambda folder, authority: {"token": "good"},
    "token file": lambda folder, authority: ((folder / "token").write_text("good\n"), {"tokenFile": "token"})[1],
    "client certificate": lambda folder, authority: dict(
        zip(("client-certificate", "client-key"), map(str, authority.client("dns")), strict=True)
    ),
    "plugin": lambda folder, authority: plugin(folder, f"status = {{'token': 'good', 'expirationTimestamp': {FAR!r}}}"),
}


@pytest.mark.parametrize("user", list(USERS.values()), ids=list(USERS))
def test_users_of_a_kubeconfig(tmp_path: Path, user: Config) -> None:
    authority, server = with_tls(tmp_path)
    server.access.tokens, server.access.certificates = {"good": "dns"}, True

    async def story() -> None:
        await server.start()
        told = user(tmp_path, authority)
        path = kubeconfig(tmp_path, server.url, told, **{"certificate-authority": "authority.crt"})
        await server.stop()
        async with world(server, connect=Connect(kubeconfig=path)) as seen:
            await follows(seen)
            assert {asked.user for asked in server.asked} == {"dns"}

    asyncio.run(story())


def test_verification_can_be_switched_off_by_the_kubeconfig(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, "https://127.0.0.1:1", {}, **{"insecure-skip-tls-verify": True})
    context = tls_context(load(Connect(kubeconfig=path, context="nobody")))
    assert context is not None
    assert not context.check_hostname


def test_a_pod_of_the_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority(tmp_path)
    (tmp_path / "token").write_text("good")
    (tmp_path / "ca.crt").write_text(authority.certificate.read_text())
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    found = load(Connect(service_account=tmp_path))
    assert (found.host, found.token_file) == ("https://[fd00::1]:443", str(tmp_path / "token"))
    assert found.ca == authority.certificate.read_text()


def test_a_token_that_rotates_and_an_old_one_that_ends(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("one")

    async def story() -> None:
        server = FakeApiServer()
        server.access.tokens = {"one": "dns"}
        await server.start()
        path = kubeconfig(tmp_path, server.url, {"tokenFile": "token"})
        await server.stop()
        async with world(server, connect=Connect(kubeconfig=path)) as seen:
            assert await seen.source.synced(20)
            server.access.tokens = {"two": "dns"}
            token.write_text("two")
            server.strike(Trick.RESET)
            await follows(seen)

    asyncio.run(story())


def test_a_refused_token_is_fetched_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "RENEW_LEAST", 0.0)
    timing = msgspec.structs.replace(QUICK, token=1000.0)
    user = plugin(
        tmp_path,
        "count = pathlib.Path(sys.argv[0]).with_name('count')",
        "n = len(count.read_text()) if count.exists() else 0",
        "count.write_text('x' * (n + 1))",
        f"status = {{'token': 'token-%d' % n, 'expirationTimestamp': {FAR!r}}}",
    )

    async def story() -> None:
        server = FakeApiServer()
        server.access.tokens = {"token-1": "dns"}
        await server.start()
        path = kubeconfig(tmp_path, server.url, user)
        await server.stop()
        async with world(server, timing, connect=Connect(kubeconfig=path)) as seen:
            await follows(seen)

    asyncio.run(story())


class Wall:
    """Time that moves when told."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now


def test_credentials_are_renewed_before_they_expire_and_when_their_files_change(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("a")
    clock, loads = Wall(), []

    def loader(connect: Connect) -> Credentials:
        loads.append(clock.now)
        return Credentials("http://a", f"Bearer {len(loads)}", expires=clock.now + 100, files=(str(file),))

    async def story() -> list[str]:
        asked, made = [], Access(Connect(), clock, 10.0, loader)
        for seconds in (0, 5, 74, 2, 1):
            clock.now += seconds
            asked.append((await made.ticket()).headers["Authorization"])
        file.write_text("changed")
        clock.now += 11
        asked.append((await made.ticket()).headers["Authorization"])
        return asked

    assert asyncio.run(story()) == [f"Bearer {n}" for n in (1, 1, 1, 2, 2, 3)]


def test_credentials_that_cannot_be_renewed_are_used_on() -> None:
    clock, broken = Wall(), False

    def loader(connect: Connect) -> Credentials:
        if broken:
            raise ConfigError("no")
        return Credentials("http://a", "Bearer x", expires=clock.now + 10)

    async def story() -> None:
        nonlocal broken
        made = Access(Connect(), clock, 10.0, loader)
        first = await made.ticket()
        clock.now += 9
        broken = True
        assert await made.ticket() is first
        with pytest.raises(ApiFailure, match="credentials: no"):
            await made.refused(first)

    asyncio.run(story())


def bad(folder: Path, **changes: Any) -> Connect:
    path = kubeconfig(folder, changes.pop("server", "https://a"), changes.pop("user", {}), **changes)
    return Connect(kubeconfig=path)


def wrong_yaml(folder: Path) -> Connect:
    (folder / "kubeconfig").write_text("{")
    return Connect(kubeconfig=folder / "kubeconfig")


BAD: dict[str, tuple[Callable[[Path], Connect], str]] = {
    "no file": (lambda folder: Connect(kubeconfig=folder / "none"), "none: no such file"),
    "no YAML": (wrong_yaml, "no YAML"),
    "no such context": (
        lambda folder: msgspec.structs.replace(bad(folder), context="away"), "Expected object with name away"
    ),
    "authority missing": (lambda folder: bad(folder, **{"certificate-authority": "none"}), "File does not exist"),
    "proxy": (lambda folder: bad(folder, **{"proxy-url": "http://a"}), "proxy-url is not supported"),
    "no server": (lambda folder: bad(folder, server=""), "has no server"),
    "tls file missing": (lambda folder: Connect(endpoint="https://a", ca=folder / "none"), "none cannot be read"),
    "no pod": (lambda folder: Connect(service_account=folder), "`kubeconfig FILE` or `endpoint URL`"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "complaint"), list(BAD.values()), ids=list(BAD))
def test_what_is_wrong_is_said(tmp_path: Path, make: Callable[[Path], Connect], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        load(make(tmp_path), authenticate=False)


def test_a_plugin_that_fails_is_quoted(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, "https://a", plugin(tmp_path, "sys.exit('log in first')"))
    load(Connect(kubeconfig=path), authenticate=False)
    with pytest.raises(ConfigError, match="log in first"):
        load(Connect(kubeconfig=path))


def test_secrets_are_not_shown() -> None:
    assert "secret" not in repr(Credentials("https://a", "Bearer secret", key="secret"))


def test_certificates_of_nonsense_are_refused() -> None:
    with pytest.raises(ConfigError, match="certificates of https://a"):
        tls_context(Credentials("https://a", ca="nonsense"))


def test_the_package_stays_out_of_the_process() -> None:
    import subprocess

    program = "import sys, dnspolicy.cli.commands, dnspolicy.app.app; print('kubernetes' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.lower()) is False


@pytest.mark.parametrize("fault", ["token", "certificate"])
def test_credentials_of_which_a_part_cannot_be_read_are_not_taken(tmp_path: Path, fault: str) -> None:
    """Nobody is asked without a token, and what was half written is looked at again."""
    token, ca = tmp_path / "token", tmp_path / "ca.crt"
    token.write_text("first")
    ca.write_text(Authority(tmp_path).certificate.read_text())
    clock = FakeClock()

    def read(_: Connect) -> Credentials:
        return Credentials("https://api", token_file=str(token), ca=ca.read_text(), files=(str(ca),))

    async def story() -> list[dict[str, str]]:
        access = Access(Connect(), clock, 1.0, read)
        good = await access.ticket()
        text = ca.read_text()
        ca.write_text(text + "\n" if fault == "token" else "nothing yet")
        if fault == "token":
            token.unlink()
        clock.advance(10)
        assert await access.ticket() is good
        token.write_text("second")
        if fault == "certificate":
            ca.write_text(text + "\n")
        clock.advance(10)
        renewed = await access.ticket()
        assert renewed.tls is not good.tls
        return [good.headers, renewed.headers]

    assert asyncio.run(story()) == [{"Authorization": f"Bearer {text}"} for text in ("first", "second")]


def test_without_a_token_nobody_is_asked(tmp_path: Path) -> None:
    credentials = Credentials("http://api", token_file=str(tmp_path / "token"))

    async def story() -> None:
        access = Access(Connect(), FakeClock(), 1.0, lambda _: credentials)
        for _ in range(2):
            with pytest.raises(ApiFailure, match=r"credentials: .*token"):
                await access.ticket()

    asyncio.run(story())
