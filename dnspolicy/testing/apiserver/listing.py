"""Lists, whole and in pages."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

import msgspec

from dnspolicy.testing.apiserver.refusal import Refusal, bad_request, gone, invalid, too_new
from dnspolicy.testing.apiserver.resources import Manifest, Resource
from dnspolicy.testing.apiserver.selectors import Test
from dnspolicy.testing.apiserver.store import Store


class _Token(msgspec.Struct, frozen=True):
    """Where a list goes on: after an object, at a version; version -1 is "as it is now"."""

    rv: int
    after: tuple[str, str]


def listed(store: Store, resource: Resource, meant: Test, wish: Mapping[str, str]) -> Manifest:
    """The answer to a list request with these parameters. Raises Refusal."""
    limit, token = number(wish.get("limit") or "0"), wish.get("continue", "")
    start = _opened(token) if token else None
    _check(wish)
    if start is None:
        version, held = store.snapshot(resource, _wanted(store, wish))
        limit = 0 if wish.get("resourceVersion") == "0" else limit
    else:
        version, held = _resumed(store, resource, start)
    found = [item for item in held if (start is None or _key(item) > start.after) and meant(item)]
    meta: Manifest = {"resourceVersion": str(version)}
    if limit and len(found) > limit:
        meta |= {"continue": _closed(_Token(version, _key(found[limit - 1])))}
        if not (wish.get("labelSelector") or wish.get("fieldSelector")):
            meta |= {"remainingItemCount": len(found) - limit}
        found = found[:limit]
    items = [{key: value for key, value in item.items() if key not in ("kind", "apiVersion")} for item in found]
    return {"kind": f"{resource.kind}List", "apiVersion": resource.version, "metadata": meta, "items": items}


def number(text: str) -> int:
    """A parameter that is a number, 0 or more. Raises Refusal."""
    if not text.isdecimal():
        raise bad_request(f"not a number: {text}")
    return int(text)


def _check(wish: Mapping[str, str]) -> None:
    version, match = wish.get("resourceVersion", ""), wish.get("resourceVersionMatch", "")
    if wish.get("sendInitialEvents"):
        raise invalid("sendInitialEvents is for watches only")
    if match and (not version or wish.get("continue")):
        raise invalid("resourceVersionMatch needs resourceVersion and cannot be used with continue")
    if match not in ("", "Exact", "NotOlderThan") or (match == "Exact" and version == "0"):
        raise invalid(f"resourceVersionMatch cannot be {match} here")
    if wish.get("continue") and version not in ("", "0"):
        raise bad_request("resourceVersion cannot be used with continue")


def _wanted(store: Store, wish: Mapping[str, str]) -> int | None:
    """The version to list at; None for now."""
    version = number(wish.get("resourceVersion") or "0")
    if version > store.version:
        raise too_new(version, store.version)
    limited = bool(wish.get("limit")) and not wish.get("resourceVersionMatch")
    exact = wish.get("resourceVersionMatch") == "Exact" or (limited and version > 0)
    return version if exact and version else None


def _resumed(store: Store, resource: Resource, start: _Token) -> tuple[int, list[Manifest]]:
    """A page that comes too late is told how the list could go on with the objects of now."""
    if start.rv < 0:
        return store.snapshot(resource, None)
    try:
        return store.snapshot(resource, start.rv)
    except Refusal:
        raise gone(start.rv, store.oldest, _closed(_Token(-1, start.after))) from None


def _key(item: Manifest) -> tuple[str, str]:
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]


def _closed(token: _Token) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(token)).rstrip(b"=").decode()


def _opened(text: str) -> _Token:
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=_Token)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise bad_request("the continue token is not one of this server") from None
