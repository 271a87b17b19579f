"""Every story in stories/ comes true."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from dnspolicy.engines.rego.binding import Binding, preferred
from tests.scenarios.engines import Engine
from tests.scenarios.run import play
from tests.scenarios.story import STORIES, read

FILES = sorted(STORIES.glob("*.yaml"))


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    "engine", [Engine.REGO, Engine.GRPC, pytest.param(Engine.OPA, marks=pytest.mark.real("opa"))], ids=str
)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_story(path: Path, engine: Engine, tmp_path: Path) -> None:
    story = read(path)
    if engine not in story.engines:
        pytest.skip(f"a story for {', '.join(story.engines)}")
    if "native" in story.needs and preferred() is not Binding.NATIVE:
        pytest.skip("the native binding is not there; `make native` builds it")
    if "ipv6" in story.needs and not _has_ipv6():
        pytest.skip("this machine has no ::1")
    play(story, tmp_path, engine)


def test_there_are_stories() -> None:
    assert len(FILES) > 40
