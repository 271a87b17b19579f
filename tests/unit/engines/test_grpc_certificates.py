"""Certificates between the `grpc` engine and a decision point, and what happens when they are renewed."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop

from dnspolicy.app.parts import Parts
from dnspolicy.app.pdp import Options, Pdp
from dnspolicy.app.pdp import server as pdp_server
from dnspolicy.chain.clock import SystemClock
from dnspolicy.corefile.credentials import PemFiles
from dnspolicy.model.errors import ConfigError, EngineUnavailable
from dnspolicy.policy.settings.grpc import GrpcSettings
from dnspolicy.testing.certificates import Authority
from dnspolicy.testing.pdp import DecisionPoint
from tests.unit.app.test_pdp import by_name, static
from tests.unit.engines.points import Joined, allow, joined, until

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("other"))


def run(work: Coroutine[Any, Any, None]) -> None:
    uvloop.run(asyncio.wait_for(work, 30.0))


def point(authority: Authority, clients: Path | None = None) -> DecisionPoint:
    return DecisionPoint(allow, pem=PemFiles(clients, *authority.server("server")).read())


def put(folder: Path, files: tuple[Path, Path]) -> tuple[str, str]:
    """Certificate and key at one place, each replaced as a whole."""
    for name, file in zip(("crt", "key"), files, strict=True):
        shutil.copy(file, folder / "new")
        (folder / "new").replace(folder / name)
    return str(folder / "crt"), str(folder / "key")


def test_a_decision_point_is_believed_by_its_certificate(authority: Authority) -> None:
    async def story() -> None:
        async with joined(point(authority), ca=str(authority.certificate)) as engine:
            assert await engine.decide() is not None

    run(story())


@pytest.mark.parametrize(
    "settings", [{}, {"tls": True}, {"server_name": "db.example"}], ids=["plain", "system", "name"]
)
def test_who_cannot_be_believed_is_not_asked(authority: Authority, settings: dict[str, Any]) -> None:
    async def story() -> None:
        given = {**settings, "ca": str(authority.certificate)} if "server_name" in settings else settings
        served = point(authority)
        async with joined(served, **given) as engine:
            with pytest.raises(EngineUnavailable):
                await engine.decide(0.3)
            assert served.asked == 0

    run(story())


def test_both_show_certificates(authority: Authority, other: Authority) -> None:
    async def story() -> None:
        served = point(authority, authority.certificate)
        cert, key = map(str, authority.client("client"))
        async with joined(served, ca=str(authority.certificate), certificate=(cert, key)) as engine:
            assert await engine.decide() is not None
            cert, key = map(str, other.client("stranger"))
            for more in ({}, {"certificate": (cert, key)}):
                settings = GrpcSettings(targets=(served.address,), ca=str(authority.certificate), connect=0.5, **more)  # type: ignore[arg-type]
                stranger = Joined(settings)
                await stranger.supply.start(stranger.changed)
                with pytest.raises(EngineUnavailable):
                    await stranger.decide(0.3)
                await stranger.supply.stop()

    run(story())


def test_new_certificates_of_the_client_are_taken_up(authority: Authority, tmp_path: Path) -> None:
    async def story() -> None:
        served = point(authority, authority.certificate)
        cert, key = put(tmp_path, authority.client("client"))
        async with joined(served, ca=str(authority.certificate), certificate=(cert, key)) as engine:
            assert await engine.decide() is not None
            put(tmp_path, authority.client("renewed"))
            await until(lambda: engine.count("dnspolicy_grpc_connects_total") == 2)
            assert await engine.decide() is not None
            (tmp_path / "crt").write_text("nonsense")
            await asyncio.sleep(0.3)
            assert await engine.decide() is not None

    run(story())


def test_new_certificates_of_our_decision_point_are_shown(
    authority: Authority, other: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdp_server, "LOOK", 0.0)

    async def story() -> None:
        cert, key = put(tmp_path, authority.server("server"))
        options = Options(("127.0.0.1:0",), certificate=Path(cert), key=Path(key), drain=0.0)
        pdp = Pdp(static(by_name), options, Parts(SystemClock(), print, print), timeout=5.0)
        await pdp.start()
        for maker in (authority, other, authority):
            put(tmp_path, maker.server("server"))
            settings = GrpcSettings(targets=(pdp.listens[0],), ca=str(maker.certificate), connect=1.0, refresh=0.1)
            client = Joined(settings)
            await client.supply.start(client.changed)
            await until(lambda client=client: client.engine.targets[0].up)  # type: ignore[misc]
            assert await client.decide() is not None
            await client.supply.stop()
        await pdp.stop()

    run(story())


def test_our_decision_point_wants_certificates_of_its_authority(authority: Authority, other: Authority) -> None:
    async def story() -> None:
        cert, key = authority.server("server")
        options = Options(("127.0.0.1:0",), certificate=cert, key=key, authority=authority.certificate, drain=0.0)
        pdp = Pdp(static(by_name), options, Parts(SystemClock(), print, print), timeout=5.0)
        await pdp.start()
        for shown, well in ((authority.client("client"), True), (other.client("client"), False), (None, False)):
            cert, key = map(str, shown) if shown else ("", "")
            settings = GrpcSettings(
                targets=(pdp.listens[0],),
                ca=str(authority.certificate),
                certificate=(cert, key) if shown else (),
                connect=1.0,
            )
            client = Joined(settings)
            await client.supply.start(client.changed)
            assert client.engine.targets[0].up is well
            await client.supply.stop()
        await pdp.stop()

    run(story())


@pytest.mark.parametrize("wrong", ["absent", "nonsense", "another key", "no authority"])
def test_what_cannot_be_used_is_said_at_the_start(authority: Authority, tmp_path: Path, wrong: str) -> None:
    cert, key = put(tmp_path, authority.client("client"))
    ca = str(authority.certificate)
    if wrong == "absent":
        Path(key).unlink()
    elif wrong == "nonsense":
        Path(cert).write_text("nonsense")
    elif wrong == "another key":
        shutil.copy(authority.client("second")[1], key)
    else:
        (tmp_path / "ca").write_text("nonsense")
        ca = str(tmp_path / "ca")
    with pytest.raises(ConfigError, match=str(tmp_path)):
        Joined(GrpcSettings(targets=("127.0.0.1:1",), ca=ca, certificate=(cert, key)))
