"""A hosts file that is read again when it changes."""

from __future__ import annotations

from pathlib import Path

import msgspec

from dnspolicy.corefile.regular import Signature, read_changed
from dnspolicy.model.errors import DnsPolicyError
from dnspolicy.plugins.hosts.entries import Content, read_text

MAX_BYTES = 64 << 20


class UnusableFile(DnsPolicyError):
    """A hosts file cannot be read, or is none. `signature` is the state that was looked at, if there was one."""

    def __init__(self, why: str, signature: Signature | None = None) -> None:
        super().__init__(why)
        self.signature = signature


class Version(msgspec.Struct, frozen=True):
    """One state of a file. `modified` is in seconds since 1970."""

    signature: Signature
    modified: float
    content: Content


def read_version(path: Path, known: Signature | None) -> Version | None:
    """Read the file unless its time, size and inode are those of `known`. Raises UnusableFile."""
    try:
        found = read_changed(path, MAX_BYTES, known)
    except (OSError, ValueError) as problem:
        raise UnusableFile(getattr(problem, "strerror", None) or str(problem)) from problem
    if found is None:
        return None
    return Version(found.signature, found.modified, _content(found.raw, found.signature))


def _content(raw: bytes, signature: Signature) -> Content:
    if len(raw) > MAX_BYTES:
        raise UnusableFile(f"more than {MAX_BYTES} bytes", signature)
    if b"\0" in raw:
        raise UnusableFile("not a text", signature)
    content = read_text(raw.decode(errors="replace"))
    if content.problems and not content.hosts:
        raise UnusableFile(f"no usable line; {content.problems[0]}", signature)
    return content
