"""Where a resource is served, by its plural name and API group."""

from __future__ import annotations

import asyncio
from typing import TypeVar

import msgspec

from dnspolicy.cluster.apiserver.client import Client
from dnspolicy.cluster.apiserver.failures import ApiFailure, Reason

MAX_BYTES = 16 << 20
NOT_FOUND = 404
T = TypeVar("T")


class Served(msgspec.Struct, frozen=True):
    """The path below which its objects lie: `/api/v1`, `/apis/GROUP/VERSION`. `watched`: changes can be followed."""

    root: str
    namespaced: bool
    watched: bool


class _Resource(msgspec.Struct):
    name: str
    namespaced: bool = False
    verbs: list[str] = []


class _Resources(msgspec.Struct):
    resources: list[_Resource] | None = None


class _Version(msgspec.Struct, rename="camel"):
    group_version: str


class _Group(msgspec.Struct, rename="camel"):
    versions: list[_Version]
    preferred_version: _Version | None = None


async def discover(client: Client, resource: str, group: str, seconds: float) -> Served:
    """Ask where a resource is served now, in the version the server prefers. Raises ApiFailure."""
    for root in await _roots(client, group, seconds):
        found = await _get(client, root, _Resources, seconds)
        for item in found.resources or ():
            if item.name == resource:
                if "list" not in item.verbs:
                    raise ApiFailure(Reason.STATUS, f"{resource} cannot be listed")
                return Served(root, item.namespaced, "watch" in item.verbs)
    where = f"the API group {group}" if group else "the core API"
    raise ApiFailure(Reason.STATUS, f"{where} has no resource {resource}", NOT_FOUND)


async def _roots(client: Client, group: str, seconds: float) -> list[str]:
    if not group:
        return ["/api/v1"]
    try:
        found = await _get(client, f"/apis/{group}", _Group, seconds)
    except ApiFailure as problem:
        if problem.code == NOT_FOUND:
            raise ApiFailure(Reason.STATUS, f"the API server has no API group {group}", NOT_FOUND) from None
        raise
    first = [found.preferred_version] if found.preferred_version is not None else []
    return list(dict.fromkeys(f"/apis/{version.group_version}" for version in (*first, *found.versions)))


async def _get(client: Client, path: str, wanted: type[T], seconds: float) -> T:
    body = bytearray()
    async with client.get(path, {}, seconds) as content:
        try:
            async with asyncio.timeout(seconds):
                while chunk := await content.readany():
                    body += chunk
                    if len(body) > MAX_BYTES:
                        raise ApiFailure(Reason.TOO_LARGE, f"{path} has more than {MAX_BYTES} bytes")
        except TimeoutError:
            raise ApiFailure(Reason.TIMEOUT, f"{path} is not answered in time") from None
    try:
        return msgspec.json.decode(body, type=wanted)
    except (msgspec.MsgspecError, ValueError) as problem:
        raise ApiFailure(Reason.BAD_REPLY, f"{path} cannot be read: {problem}") from None
