"""One question to a web server: bounded in time and size, never led elsewhere than it was meant to go."""

from __future__ import annotations

import asyncio
import email.utils
import os
import ssl
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
import msgspec

from dnspolicy import __version__
from dnspolicy.corefile.credentials import Pem, PemFiles, read_token
from dnspolicy.feeds.failures import FeedFailure, Reason
from dnspolicy.model.errors import ConfigError
from dnspolicy.model.printable import printable

MAX_REDIRECTS = 5
CONNECT_SECONDS = 10.0
MAX_HEADER = 8_190
CHUNK = 1 << 18
OPA_BUNDLES = "application/vnd.openpolicyagent.bundles"
"""The content type by which a bundle server says that it did hold the request."""
_REDIRECTS = frozenset((301, 302, 303, 307, 308))


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """As in `Origin`."""

    url: str
    timeout: float
    limit: int
    accept: str
    token_file: Path | None
    ca: Path | None
    certificate: Path | None
    key: Path | None


class Reply(msgspec.Struct, frozen=True):
    """A body with what the server said of it."""

    body: bytes
    etag: str
    modified: str
    content_type: str


class Exchange:
    """Asks for one URL. `waited`: the last answer came from a server that holds requests until something changes."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._session: aiohttp.ClientSession | None = None
        self._files = PemFiles(ask.ca, ask.certificate, ask.key) if ask.url.startswith("https:") else None
        self._tls: ssl.SSLContext | None = None
        self._pem: Pem | None = None
        self.waited = False

    async def ask(self, etag: str, modified: str, wait: float) -> Reply | None:
        """The document, or None when it is as it was. Raises FeedFailure, after `timeout` + `wait` at the latest."""
        self.waited = False
        try:
            async with asyncio.timeout(self._ask.timeout + wait):
                return await self._follow(self._headers(etag, modified, wait), wait)
        except TimeoutError:
            raise FeedFailure(Reason.TIMEOUT, f"no whole answer within {self._ask.timeout + wait:g} s") from None
        except aiohttp.TooManyRedirects as problem:
            raise FeedFailure(Reason.REDIRECT, str(problem)) from None
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientSSLError, ssl.SSLError) as problem:
            raise FeedFailure(Reason.TLS, f"TLS: {problem}") from None
        except aiohttp.ClientConnectorError as problem:
            error = problem.os_error
            why = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
            raise FeedFailure(Reason.UNREACHABLE, f"{problem.host}:{problem.port}: {why}") from None
        except aiohttp.InvalidURL:
            raise FeedFailure(Reason.BAD_REPLY, "led to a URL that is none") from None
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            text = str(problem) or type(problem).__name__
            raise FeedFailure(Reason.BAD_REPLY, f"broken off: {text}") from None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _headers(self, etag: str, modified: str, wait: float) -> dict[str, str]:
        headers = {"Accept": self._ask.accept}
        if etag:
            headers["If-None-Match"] = etag
        if modified:
            headers["If-Modified-Since"] = modified
        if wait:
            headers["Prefer"] = f"wait={wait:.0f}"
        return headers

    async def _follow(self, headers: dict[str, str], wait: float) -> Reply | None:
        """Through redirects, which keep the scheme; the token goes to the first host only."""
        session, tls = await self._open()
        authorization = await asyncio.to_thread(_token, self._ask.token_file)
        url = self._ask.url
        for _ in range(MAX_REDIRECTS + 1):
            own = _origin(url) == _origin(self._ask.url)
            sent = headers | authorization if own else headers
            extra: dict[str, Any] = {"ssl": tls} if tls is not None else {}
            async with session.get(url, headers=sent, allow_redirects=False, **extra) as answer:
                if answer.status not in _REDIRECTS:
                    return await self._read(answer, wait)
                url = _redirected(url, answer.headers.get("Location", ""))
        raise FeedFailure(Reason.REDIRECT, f"more than {MAX_REDIRECTS} redirects")

    async def _read(self, answer: aiohttp.ClientResponse, wait: float) -> Reply | None:
        content_type = answer.headers.get("Content-Type", "")
        applied = answer.headers.get("Preference-Applied", "")
        self.waited = bool(wait) and (content_type.startswith(OPA_BUNDLES) or "wait" in applied)
        if answer.status == 304:
            return None
        if answer.status != 200:
            reason = Reason.REFUSED if answer.status in (401, 403) else Reason.STATUS
            wished = _seconds(answer.headers.get("Retry-After", ""), answer.headers.get("Date", ""))
            raise FeedFailure(reason, f"status {answer.status} {printable(answer.reason or '')}".strip(), wished)
        body = await _body(answer, self._ask.limit)
        headers = answer.headers
        etag, modified = headers.get("ETag", ""), headers.get("Last-Modified", "")
        return Reply(body, _printable(etag), _printable(modified), _printable(content_type))

    async def _open(self) -> tuple[aiohttp.ClientSession, ssl.SSLContext | None]:
        """Connections with the certificates as they are now."""
        if self._files is not None:
            await self._renew(self._files)
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
                headers={"User-Agent": f"dnspolicy/{__version__}", "Accept-Encoding": "gzip"},
                cookie_jar=aiohttp.DummyCookieJar(),
                max_line_size=MAX_HEADER,
                max_field_size=MAX_HEADER,
                auto_decompress=False,  # `_body` does it, within bounds
            )
        return self._session, self._tls

    async def _renew(self, files: PemFiles) -> None:
        """No connection is used again when the certificates are others."""
        try:
            pem = await asyncio.to_thread(files.read)
            if pem == self._pem:
                return
            await self.close()
            self._tls = await asyncio.to_thread(files.context, pem)
            self._pem = pem
        except ConfigError as problem:
            raise FeedFailure(Reason.CREDENTIALS, str(problem)) from None


async def _body(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    coding = answer.headers.get("Content-Encoding", "identity").lower()
    if coding not in ("identity", "gzip", "x-gzip"):
        raise FeedFailure(Reason.BAD_REPLY, f"coded as {coding}, which was not asked for")
    inflate = zlib.decompressobj(wbits=31) if coding != "identity" else None
    if inflate is None and (answer.content_length or 0) > limit:
        raise too_large(limit)
    parts, size = [], 0
    async for chunk in answer.content.iter_chunked(CHUNK):
        for part in (chunk,) if inflate is None else _inflated(inflate, chunk):
            size += len(part)
            if size > limit:
                raise too_large(limit)
            parts.append(part)
            await asyncio.sleep(0)  # a chunk may hold a thousand times its size
        if inflate is not None and inflate.unused_data:  # which would be gathered without end
            raise FeedFailure(Reason.BAD_REPLY, "something stands behind the end of the gzip stream")
    if inflate is not None and not inflate.eof:
        raise FeedFailure(Reason.BAD_REPLY, "broken off: the gzip stream has no end")
    return b"".join(parts)


def _inflated(inflate: Any, chunk: bytes) -> Iterator[bytes]:
    try:
        while chunk:
            yield inflate.decompress(chunk, CHUNK)
            chunk = inflate.unconsumed_tail
    except zlib.error as problem:
        raise FeedFailure(Reason.BAD_REPLY, f"not gzip: {problem}") from None


def _printable(header: str) -> str:
    """A header if it can be written to a file and sent back, else nothing: servers may put any bytes there."""
    return header if header.isascii() and header.isprintable() else ""


def too_large(limit: int) -> FeedFailure:
    """A document beyond its limit (bytes)."""
    return FeedFailure(Reason.TOO_LARGE, f"more than {limit} bytes; `size` allows more")


def _redirected(url: str, location: str) -> str:
    if not location:
        raise FeedFailure(Reason.REDIRECT, "a redirect to nowhere")
    found = urljoin(url, location)
    scheme, wanted = urlsplit(found).scheme, urlsplit(url).scheme
    if scheme != wanted:
        raise FeedFailure(Reason.REDIRECT, f"a redirect from {wanted}: to {scheme}:, which is not followed")
    return found


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def _seconds(text: str, date: str) -> float:
    """Of a Retry-After header, in an answer of that date; 0 when it says nothing (RFC 9110 10.2.3)."""
    if text.strip().isdecimal():
        return float(text)
    try:
        then, now = map(email.utils.parsedate_to_datetime, (text, date))
        return max(0.0, then.timestamp() - now.timestamp())
    except (ValueError, TypeError, OverflowError):
        return 0.0


def _token(file: Path | None) -> dict[str, str]:
    try:
        return {} if file is None else {"Authorization": f"Bearer {read_token(file)}"}
    except ConfigError as problem:
        raise FeedFailure(Reason.CREDENTIALS, str(problem)) from None
