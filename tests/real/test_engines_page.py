"""What docs/engines.md says of starting an Open Policy Agent, done with a real one."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shlex
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dnspolicy.chain.metrics import Metrics
from dnspolicy.engines.opa import Files, OpaSupply, Sources
from dnspolicy.model.errors import EngineUnavailable
from dnspolicy.policy.footprint import EVERYTHING
from dnspolicy.policy.settings.opa import Opa
from dnspolicy.testing.certificates import Authority
from tests.e2e.process import free_port
from tests.peers.find import find
from tests.unit.policies.library import POLICIES, ROOT
from tests.unit.policy.questions import question

pytestmark = pytest.mark.real("opa")

PAGE = (ROOT / "docs" / "engines.md").read_text()
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINES = [
    shlex.split(line)[1:]
    for _, text in FENCED.findall(PAGE)
    for line in text.replace("\\\n", " ").splitlines()
    if line.startswith("opa ")
]
RUNS = [words for words in LINES if words[0] == "run"]
AUTHZ = next(text for kind, text in FENCED.findall(PAGE) if kind == "rego" and "package system.authz" in text)
PATIENCE = 30.0
TOKEN = "opensesame"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Says nothing."""


@contextlib.contextmanager
def site(folder: Path) -> Iterator[str]:
    """The URL of a folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that the lines of the page name, and the bundle that one of them makes."""
    folder = tmp_path_factory.mktemp("page")
    for name in ("lib", "tenant-isolation"):
        shutil.copytree(POLICIES / name, folder / "policies" / name)
    for name, who in (("authz", "opa.runtime().env.DNSPOLICY_TOKEN"), ("authz-tls", '"CN=dnspolicy"')):
        (folder / name).mkdir()
        (folder / name / "authz.rego").write_text(AUTHZ.replace("opa.runtime().env.DNSPOLICY_TOKEN", who))
    (folder / "token").write_text(TOKEN)
    authority = Authority(folder)
    authority.server("opa")
    authority.client("dnspolicy")
    authority.client("other")
    program = find("opa")
    assert program is not None
    for words in LINES:
        if words[0] == "build":
            subprocess.run([program, *words], cwd=folder, check=True, timeout=PATIENCE)
    return folder


@contextlib.contextmanager
def running(words: list[str], place: Path) -> Iterator[str]:
    """The URL of what a line of the page starts, with places of its own."""
    program = find("opa")
    folder, port = Path(tempfile.mkdtemp(prefix="opa")), free_port("127.0.0.1")
    secure = "--authentication=tls" in words
    url = f"https://127.0.0.1:{port}" if secure else f"unix://{folder}/opa.sock"
    with site(place) as bundles:
        changes = {
            "unix:///run/opa/opa.sock": url,
            "10.0.0.7:8181": f"127.0.0.1:{port}",
            "services.site.url=https://bundles.example": f"services.site.url={bundles}",
            "authz": "authz-tls" if secure else "authz",
        }
        command = [str(program), *(changes.get(word, word) for word in words)]
        with subprocess.Popen(command, cwd=place, env={"DNSPOLICY_TOKEN": TOKEN}) as child:
            try:
                yield url
            finally:
                child.terminate()
                child.wait(PATIENCE)
                shutil.rmtree(folder)


def supply_of(url: str, place: Path, *, token: str | None = "token", client: str = "dnspolicy") -> OpaSupply:
    tls = url.startswith("https")
    files = Files(
        place / token if token else None,
        *((place / "authority.crt", place / f"{client}.crt", place / f"{client}.key", True) if tls else ()),
    )
    folders = tuple(place / "policies" / name for name in ("lib", "tenant-isolation"))
    return OpaSupply(
        Opa((url,)),
        Sources(files, folders),
        "data.dnspolicy.decision",
        reload=0.05,
        metrics=Metrics(),
        monotonic=time.monotonic,
    )


async def known(supply: OpaSupply) -> None:
    """Wait until the OPA is found to have exactly the policies of the folders."""
    await supply.start(lambda: None)
    async with asyncio.timeout(PATIENCE):
        while supply.engine.footprint.paths == EVERYTHING.paths:  # noqa: ASYNC110 what is waited for tells nobody
            await asyncio.sleep(0.02)


def test_the_page_has_lines_to_try() -> None:
    assert len(RUNS) == 5
    assert len(LINES) == 6


@pytest.mark.parametrize("words", RUNS, ids=lambda words: " ".join(words)[:90])
def test_an_opa_that_is_started_as_the_page_says_decides_and_is_known(words: list[str], place: Path) -> None:
    async def story(url: str) -> None:
        supply = supply_of(url, place)
        try:
            await known(supply)
            assert await supply.engine.decide(question(), time.monotonic() + PATIENCE) is not None
        finally:
            await supply.stop()

    with running(words, place) as url:
        asyncio.run(story(url))


@pytest.mark.parametrize(
    "words", [words for words in RUNS if "--authorization=basic" in words], ids=["a token", "a certificate"]
)
def test_with_the_policy_of_the_page_it_decides_for_nobody_else(words: list[str], place: Path) -> None:
    async def story(url: str) -> None:
        known_one, other = supply_of(url, place), supply_of(url, place, token=None, client="other")
        try:
            await known(known_one)
            await other.start(lambda: None)
            with pytest.raises(EngineUnavailable, match="401"):
                await other.engine.decide(question(), time.monotonic() + PATIENCE)
        finally:
            await known_one.stop()
            await other.stop()

    with running(words, place) as url:
        asyncio.run(story(url))
