"""A story as a value: who is there, what is asked, what has to come of it. README.md explains the notation."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns.rcode
import msgspec
import yaml

from tests.scenarios.engines import Engine
from tests.scenarios.expected import Expected

STORIES = Path(__file__).parent / "stories"


_SECRETS = re.compile(r"(\d+)x(\d+)\.(.+)")


def _names(word: str) -> Iterator[str]:
    """`200x60.evil.example` is 200 names with a label of 60 letters each, always the same; any other word is a name."""
    match = _SECRETS.fullmatch(word)
    if match is None:
        yield word
        return
    for number in range(int(match[1])):
        raw = hashlib.shake_128(f"{number}".encode()).digest(40)
        yield f"{base64.b32encode(raw).decode().lower()[: int(match[2])]}.{match[3]}"


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lines for the directives of the Corefile. `blocks` are server blocks in front of it."""

    policy: list[str] = []
    kubernetes: list[str] = []
    server: list[str] = []
    cache: list[str] = []
    blocks: str = ""


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that happens. `expect`, `record`, `times` … belong to `ask`, `refused` to `policy` and `data`.

    Every question is asked three times unless `times` says otherwise: answered anew, remembered, and from memory.
    """

    ask: str | list[str] = ""
    by: str = ""
    over: str = "udp"
    times: int = 3
    expect: str | dict[str, Any] = "NOERROR"
    alike: bool = False
    record: dict[str, Any] = {}
    meanwhile: dict[str, Any] = {}
    change: dict[str, Any] = {}
    write: dict[str, str] = {}
    policy: str = ""
    data: dict[str, Any] | None = None
    refused: bool = False
    tenants: bool = False
    later: float = 0.0

    def questions(self) -> list[tuple[str, str]]:
        """Every `(type, name)`; a line is types and then names."""
        found = []
        for line in [self.ask] if isinstance(self.ask, str) else self.ask:
            words = line.split()
            kinds = [word for word in words if word.isupper() and "." not in word]
            found += [(kind, name) for word in words[len(kinds) :] for name in _names(word) for kind in kinds]
        assert found, f"no question in {self.ask!r}"
        return found

    def expected(self) -> Expected:
        if isinstance(self.expect, dict):
            return msgspec.convert(self.expect, Expected)
        if self.expect.isalpha() and self.expect in dns.rcode.Rcode.__members__:
            return Expected(rcode=self.expect)
        return Expected(answers=self.expect)


class Story(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`policy` is Rego, or the names of folders below policies/. `asked` is all that upstreams were to be asked.

    `engines`: which of them it can be played with.
    """

    scenario: str
    steps: list[Step]
    words: Any = None
    needs: list[str] = []
    cluster: dict[str, Any] = {}
    upstream: dict[str, Any] = {}
    upstreams: dict[str, dict[str, Any]] = {}
    policy: str | list[str] = ""
    data: dict[str, Any] = {}
    options: Options = Options()
    files: dict[str, str] = {}
    asked: dict[str, list[str]] = {}
    synced: bool = True
    engines: tuple[Engine, ...] = tuple(Engine)


def read(path: Path) -> Story:
    """A story file. Raises msgspec.ValidationError naming the place."""
    return msgspec.convert(yaml.safe_load(path.read_text()), Story)
