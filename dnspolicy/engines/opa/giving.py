"""Gives an OPA the documents it is to have."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from dnspolicy.engines.opa.connection import Kind, Lost
from dnspolicy.engines.opa.documents import UNKNOWN, Documents, shown
from dnspolicy.engines.opa.door import Door
from dnspolicy.engines.opa.http import Reply
from dnspolicy.engines.opa.replies import refusal
from dnspolicy.policy.engine import DataPath

PUT_SECONDS = 30.0
REMOVE_SECONDS = 5.0
_MOST = 64 * 1024
_AGAIN_LATER = (408, 429)


class NotTaken(Lost):
    """OPA says no, and will say so again."""


async def give(door: Door, documents: Documents) -> None:
    """Bring an OPA from what it has to what it is to have: removals come first, and the mark last.

    Raises Lost and NotTaken.
    """
    held, mark, wanted, losses = door.held, documents.mark, dict(documents.wanted), door.losses
    if any(path not in held.there for path in wanted):
        await _mark(door, documents, f"{mark} is on its way")  # no other mark may speak for a mixture
    for path, document in wanted.items():
        if document is None and held.there.get(path, UNKNOWN) is not None:
            await _remove(door, path)
    if held.fresh:
        held.there = dict.fromkeys(wanted) | held.there
        held.fresh = False
    for path, document in wanted.items():
        if document is not None and held.at(path) is not document:
            await _put(door, path, document)
    if losses != door.losses:
        raise Lost(Kind.CLOSED, "a connection went away while it was given data")
    if documents.mark == mark and all(held.at(path) is document for path, document in wanted.items()):
        await _mark(door, documents, mark)


async def _mark(door: Door, documents: Documents, mark: str) -> None:
    path = ("system", "bundles", documents.name)
    note = {"manifest": {"revision": mark, "roots": [f"system/{documents.name}"]}}
    reply = await door.ask("PUT", data_target(path), msgspec.json.encode(note), _MOST, REMOVE_SECONDS)
    _check(reply, f"data {shown(path)}, which says what is there,")
    door.held.mark = mark


async def _put(door: Door, path: DataPath, document: bytes) -> None:
    try:
        _check(await door.ask("PUT", data_target(path), document, _MOST, PUT_SECONDS), f"data {shown(path)}")
    except NotTaken:
        raise
    except BaseException:
        door.held.there.pop(path, None)  # it may be there all the same
        raise
    door.held.there[path] = document


async def _remove(door: Door, path: DataPath) -> None:
    reply = await door.ask("DELETE", data_target(path), b"", _MOST, REMOVE_SECONDS)
    if reply.status != 404:
        try:
            _check(reply, f"the removal of data {shown(path)}")
        except NotTaken:
            if await _is_there(door, path):
                raise
    door.held.there[path] = None


async def _is_there(door: Door, path: DataPath) -> bool:
    """Whether anything lies at a path; what is too long to be read does."""
    try:
        reply = await door.ask("GET", data_target(path), b"", _MOST, REMOVE_SECONDS)
        return reply.status != 200 or "result" in msgspec.json.decode(reply.body, type=dict[str, msgspec.Raw])
    except (Lost, msgspec.MsgspecError):
        return True


def _check(reply: Reply, what: str) -> None:
    if reply.status in (200, 204):
        return
    kind = NotTaken if 400 <= reply.status < 500 and reply.status not in _AGAIN_LATER else Lost
    raise kind(Kind.STATUS, f"{what} is not taken: {refusal(reply)}")


def data_target(path: DataPath) -> str:
    """The target of a path below `data`."""
    return "/v1/data/" + "/".join(quote(step, safe="") for step in path)
