"""The decision object: read strictly, so that nothing but a well-formed allow ever allows.

Every decision holds `action` (`allow`, `block`, `rewrite`, `redirect`), `rule` (a name for people, such as
`tenant/other`) and `reason`, and may hold

* `ttl`: seconds, 0 to 86400; caps the answer's TTLs and how long the decision may be remembered;
* `audit`: `none`, `metadata` or `full`; `mode`: `enforce` or `shadow`; `ede`: an RFC 8914 info-code, 0 to 65535;
* `shadow`: a list of `{"action", "rule", "reason"}`: what rules in shadow would have done.

and what its action needs:

* block: optional `as` (`nxdomain`, `nodata`, `refused`, `drop`, `sinkhole`); a sinkhole needs `addresses` (1 to 32);
* rewrite: `name`;
* redirect: exactly one of `addresses` (1 to 32), `cname`, `upstream` (`IP`, `IP:PORT` or `[IPv6]:PORT`, one or a list
  of up to 16), `endpoints` (1 to 1024 addresses of the service's own endpoints, in the order to be answered).

Anything else is an error: an unknown key, a key of another action, a wrong type, a bad name or address, a text that is
empty, longer than 512 bytes or holds characters that do not print.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from typing import Annotated, ClassVar, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from dnspolicy.model.errors import BadName, EngineBadReply
from dnspolicy.model.name import Name, from_text
from dnspolicy.model.printable import printable
from dnspolicy.model.verdict import Action, AuditLevel, BlockAs, Mode, Verdict, Would

MAX_TEXT = 512
MAX_REPLY = 256 * 1024
_BRACKETED = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::(.*))?")
_PORT = re.compile(r"[0-9]{1,5}")

Text = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]
Ttl = Annotated[int, Meta(ge=0, le=86400)]
InfoCode = Annotated[int, Meta(ge=0, le=65535)]
Addresses = Annotated[tuple[str, ...], Meta(min_length=1, max_length=32)]
Endpoints = Annotated[tuple[str, ...], Meta(min_length=1, max_length=1024)]
Upstreams = Annotated[tuple[str, ...], Meta(min_length=1, max_length=16)]

T = TypeVar("T")


class ShadowDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a rule in shadow would have done."""

    action: Action
    rule: Text
    reason: Text


class _Decision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="action"):
    """What every decision may hold."""

    rule: Text
    reason: Text
    ttl: Ttl | UnsetType = UNSET
    audit: AuditLevel | UnsetType = UNSET
    mode: Mode = Mode.ENFORCE
    ede: InfoCode | UnsetType = UNSET
    shadow: Annotated[tuple[ShadowDocument, ...], Meta(max_length=64)] = ()

    does: ClassVar[Action]


class AllowDecision(_Decision, frozen=True, kw_only=True, tag="allow"):
    """Answer normally."""

    does: ClassVar[Action] = Action.ALLOW


class BlockDecision(_Decision, frozen=True, kw_only=True, tag="block"):
    """Answer that it may not be had. `addresses` for a sinkhole only, which needs them."""

    as_: BlockAs = msgspec.field(name="as", default=BlockAs.NXDOMAIN)
    addresses: Addresses | UnsetType = UNSET

    does: ClassVar[Action] = Action.BLOCK


class RewriteDecision(_Decision, frozen=True, kw_only=True, tag="rewrite"):
    """Resolve another name instead; the answer comes back under the name that was asked."""

    name: str

    does: ClassVar[Action] = Action.REWRITE


class RedirectDecision(_Decision, frozen=True, kw_only=True, tag="redirect"):
    """Answer the asked name with something else: exactly one of the four."""

    addresses: Addresses | UnsetType = UNSET
    cname: str | UnsetType = UNSET
    upstream: str | Upstreams | UnsetType = UNSET
    endpoints: Endpoints | UnsetType = UNSET

    does: ClassVar[Action] = Action.REDIRECT


DECISION = AllowDecision | BlockDecision | RewriteDecision | RedirectDecision
_decoder: msgspec.json.Decoder[AllowDecision | BlockDecision | RewriteDecision | RedirectDecision] = (
    msgspec.json.Decoder(DECISION)
)


def decode(reply: bytes | str, revision: str = "") -> Verdict:
    """The verdict in a decision object (JSON). Raises EngineBadReply, naming the place, and nothing else."""
    if len(reply) > MAX_REPLY:
        raise EngineBadReply(f"decision: longer than {MAX_REPLY} bytes")
    try:
        found = _decoder.decode(reply)
    except (msgspec.MsgspecError, UnicodeError) as problem:
        raise EngineBadReply(f"decision: {printable(str(problem))}") from None
    except RecursionError:
        raise EngineBadReply("decision: nested too deeply") from None
    verdict = Verdict(
        action=found.does,
        rule=_text(found.rule, "rule"),
        reason=_text(found.reason, "reason"),
        ttl=_or_none(found.ttl),
        ede=_or_none(found.ede),
        audit=_or_none(found.audit),
        mode=found.mode,
        revision=revision,
        shadow=tuple(map(_would, found.shadow)) if found.shadow else (),
    )
    if isinstance(found, AllowDecision):
        return verdict
    if isinstance(found, BlockDecision):
        return _block(found, verdict)
    if isinstance(found, RewriteDecision):
        return _with(verdict, name=_name(found.name, "name"))
    return _redirect(found, verdict)


def _block(found: BlockDecision, verdict: Verdict) -> Verdict:
    if (found.as_ is BlockAs.SINKHOLE) is not (found.addresses is not UNSET):
        wanted = "a sinkhole needs `addresses`" if found.addresses is UNSET else "only a sinkhole has `addresses`"
        raise EngineBadReply(f"decision: {wanted} - at `$.addresses`")
    if found.addresses is UNSET:
        return verdict if found.as_ is BlockAs.NXDOMAIN else _with(verdict, block_as=found.as_)
    return _with(verdict, block_as=found.as_, addresses=_each(_address, found.addresses, "addresses"))


def _redirect(found: RedirectDecision, verdict: Verdict) -> Verdict:
    given = sum(x is not UNSET for x in (found.addresses, found.cname, found.upstream, found.endpoints))
    if given != 1:
        raise EngineBadReply("decision: a redirect needs exactly one of addresses, cname, upstream, endpoints - at `$`")
    if found.cname is not UNSET:
        return _with(verdict, cname=_name(found.cname, "cname"))
    if found.addresses is not UNSET:
        return _with(verdict, addresses=_each(_address, found.addresses, "addresses"))
    if found.endpoints is not UNSET:
        return _with(verdict, endpoints=_each(_address, found.endpoints, "endpoints"))
    assert found.upstream is not UNSET
    upstreams = (found.upstream,) if isinstance(found.upstream, str) else found.upstream
    return _with(verdict, upstreams=_each(_upstream, upstreams, "upstream"))


def _with(verdict: Verdict, **fields: object) -> Verdict:
    return msgspec.structs.replace(verdict, **fields)


def _or_none(value: T | UnsetType) -> T | None:
    return None if value is UNSET else value


def _would(document: ShadowDocument) -> Would:
    return Would(
        document.action, _text(document.rule, "shadow[...].rule"), _text(document.reason, "shadow[...].reason")
    )


def _text(text: str, place: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    if not text.isprintable():
        raise EngineBadReply(f"decision: a character that does not print - at `$.{place}`")
    if len(text.encode()) > MAX_TEXT:
        raise EngineBadReply(f"decision: longer than {MAX_TEXT} bytes - at `$.{place}`")
    return text


def _name(text: str, place: str) -> Name:
    if not text:
        raise EngineBadReply(f"decision: an empty name - at `$.{place}`")
    try:
        return from_text(text)
    except BadName as problem:
        raise EngineBadReply(f"decision: {printable(str(problem))} - at `$.{place}`") from None


def _each(read: Callable[[str], str], texts: Iterable[str], place: str) -> tuple[str, ...]:
    """Every text read, doubles left out."""
    try:
        return tuple(dict.fromkeys(map(read, texts)))
    except ValueError as problem:
        raise EngineBadReply(f"decision: {printable(str(problem))} - at `$.{place}`") from None


def _address(text: str) -> str:
    if "%" in text:
        raise ValueError(f"{text!r} has a scope, which no answer can hold")
    return str(ipaddress.ip_address(text))


def _upstream(text: str) -> str:
    """`IP` or `IP:PORT`; IPv6 with a port in brackets."""
    bracketed = _BRACKETED.fullmatch(text)
    if bracketed is not None:
        host, port = bracketed[1], bracketed[2]
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    else:
        host, port = text, None
    address = _address(host)
    if port is None:
        return address
    if not (_PORT.fullmatch(port) and 0 < int(port) < 65536):
        raise ValueError(f"{text!r}: a port is a number from 1 to 65535")
    return f"[{address}]:{int(port)}" if ":" in address else f"{address}:{int(port)}"
