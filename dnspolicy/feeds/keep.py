"""The last good copy of a document, on disk."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import msgspec

from dnspolicy.corefile.regular import read_regular

FORMAT = 1
_HEAD = "copy.json"
_HEAD_BYTES = 65_536


class Kept(msgspec.Struct, frozen=True):
    """A document with what its server said of it. `at`: when it last said so (seconds since 1970)."""

    body: bytes
    at: float
    sha256: str
    etag: str = ""
    modified: str = ""
    content_type: str = ""


class _Head(msgspec.Struct, frozen=True):
    """What stands beside a body. The body's file is called by its checksum, so the two never disagree.

    `url` is the SHA-256 of it.
    """

    format: int
    url: str
    at: float
    sha256: str
    etag: str
    modified: str
    content_type: str


class Keep:
    """One folder for one document; a copy of another URL is not used. Waits for the disk; raises nothing.

    `problem` says what was wrong last, or is empty.
    """

    def __init__(self, folder: Path, url: str, limit: int) -> None:
        self._folder = folder
        self._url = hashlib.sha256(url.encode()).hexdigest()  # it may hold a password
        self._limit = limit
        self._head: _Head | None = None
        self.problem = ""

    def load(self) -> Kept | None:
        """The copy, if there is one and it is whole."""
        self.problem = ""
        try:
            head = msgspec.json.decode(read_regular(self._folder / _HEAD, _HEAD_BYTES).raw, type=_Head)
            if head.format != FORMAT or head.url != self._url:
                self.problem = "it is of another URL" if head.format == FORMAT else "it has another format"
                return None
            body = read_regular(self._folder / _body(head.sha256), self._limit).raw
        except FileNotFoundError:
            return None
        except (OSError, ValueError, msgspec.MsgspecError) as problem:
            self.problem = f"it cannot be read: {getattr(problem, 'strerror', None) or problem}"
            return None
        if len(body) > self._limit or hashlib.sha256(body).hexdigest() != head.sha256:
            self.problem = "it is damaged"
            return None
        self._head = head
        return Kept(body, head.at, head.sha256, head.etag, head.modified, head.content_type)

    def store(self, kept: Kept) -> None:
        """Replace the copy. A crash leaves the old one or the new one, whole."""
        head = _Head(FORMAT, self._url, kept.at, kept.sha256, kept.etag, kept.modified, kept.content_type)
        self.problem = ""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            _write(self._folder / _body(kept.sha256), kept.body)
            _write(self._folder / _HEAD, msgspec.json.encode(head))
            self._head = head
            for other in self._folder.glob("*.body"):
                if other.name != _body(kept.sha256):
                    other.unlink(missing_ok=True)
        except OSError as problem:
            self.problem = problem.strerror or str(problem)

    def confirm(self, at: float) -> None:
        """The copy is still what there is, as of `at` (seconds since 1970)."""
        if self._head is None:
            return
        self.problem = ""
        head = msgspec.structs.replace(self._head, at=at)
        try:
            _write(self._folder / _HEAD, msgspec.json.encode(head))
        except OSError as problem:
            self.problem = problem.strerror or str(problem)
            return
        self._head = head


def _body(sha256: str) -> str:
    return f"{sha256[:32]}.body" if sha256.isalnum() else "none.body"


def _write(path: Path, content: bytes) -> None:
    """All of it, or nothing."""
    number, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
