"""An upstream that does as it is told: it answers, lies, stays silent, is late, breaks connections.

    async with FakeUpstream() as upstream:
        upstream.on("www.lab.test", Script(answer=(record("www.lab.test", "A", "198.51.100.10"),)))
        ...  # ask upstream.address
        assert [a.name for a in upstream.asked] == ["www.lab.test"]

`in_thread` runs one beside a test that has no event loop of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import msgspec

from dnspolicy.model.answer import Answer, ExtendedError
from dnspolicy.model.errors import WireError
from dnspolicy.model.name import Name, from_text
from dnspolicy.model.query import Query, Transport
from dnspolicy.model.rr import Rcode, Record, Type, type_number, type_text
from dnspolicy.testing.lies import Lie, TcpTrick, asking, broken, forge, frame
from dnspolicy.wire import rdata
from dnspolicy.wire.encode import MAX_TCP, encode_answer
from dnspolicy.wire.message import decode_query

_TRIES = 20
_ROOM = 65_535
_TCP_IDLE = 5.0


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """What happens when a question comes. `delay` is in seconds and holds for the true answer only.

    `truth`: whether the true answer is sent after the lies. `copies`: how often. `tc`: an empty truncated answer over
    UDP. `edns`: whether a question with EDNS is understood (else FORMERR). `lower`: names echoed in lower case.
    """

    rcode: int = int(Rcode.NOERROR)
    answer: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()
    ede: tuple[ExtendedError, ...] = ()
    aa: bool = False
    ra: bool = True
    tc: bool = False
    lies: tuple[Lie, ...] = ()
    truth: bool = True
    copies: int = 1
    delay: float = 0.0
    edns: bool = True
    lower: bool = False
    tcp: TcpTrick = TcpTrick.NONE


SILENT = Script(truth=False)
NXDOMAIN = Script(rcode=int(Rcode.NXDOMAIN))
SERVFAIL = Script(rcode=int(Rcode.SERVFAIL))


class Asked(msgspec.Struct, frozen=True):
    """One question that arrived. `name` in lower case, `typed` as received, `port` the source port."""

    name: str
    type: str
    typed: bytes
    transport: Transport
    id: int
    port: int
    query: Query


def record(owner: str, rtype: str, data: str, ttl: int = 300) -> Record:
    """A record from text: A, AAAA, CNAME, DNAME, NS, PTR (a name or address), MX, SRV, SOA (words) or TXT (one text).

    Raises ValueError for other types and bad data.
    """
    number = type_number(rtype)
    words = data.split()
    if number in (Type.A, Type.AAAA):
        raw = rdata.address(data)
    elif number in (Type.CNAME, Type.DNAME, Type.NS, Type.PTR):
        raw = from_text(data).wire
    elif number == Type.TXT:
        raw = rdata.txt(data)
    elif number == Type.MX:
        raw = int(words[0]).to_bytes(2, "big") + from_text(words[1]).wire
    elif number == Type.SRV:
        priority, weight, port = map(int, words[:3])
        raw = rdata.srv(priority, weight, port, from_text(words[3]))
    elif number == Type.SOA:
        serial, refresh, retry, expire, minimum = map(int, words[2:])
        raw = rdata.soa(from_text(words[0]), from_text(words[1]), serial, refresh, retry, expire, minimum)
    else:
        raise ValueError(f"{rtype} records are not made from text here")
    return Record(from_text(owner), number, ttl, raw)


class FakeUpstream:
    """A name server on a free port of one loopback address, over UDP and, unless `tcp` is false, TCP.

    With `tls` its TCP port speaks TLS. Questions on one connection are answered one after the other, each as soon as
    it is ready when `pipelined`. `connections` counts those that were accepted.

    Several scripts for a name are played one after the other; the last one stays. Names without a script get
    `default`. `asked` lists what came, in order.
    """

    def __init__(
        self, ip: str = "127.0.0.1", *, default: Script = NXDOMAIN, tcp: bool = True,
        tls: ssl.SSLContext | None = None, pipelined: bool = False,
    ) -> None:  # fmt: skip
        self.ip = ip
        self.port = 0
        self.asked: list[Asked] = []
        self.default = default
        self.connections = 0
        self._tcp = tcp
        self._tls = tls
        self._pipelined = pipelined
        self._scripts: dict[tuple[Name, int | None], deque[Script]] = {}
        self._udp: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def address(self) -> str:
        """`IP:PORT`, as a Corefile takes it."""
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"

    @property
    def questions(self) -> list[Asked]:
        """What was asked, but for checks whether it is there."""
        return [asked for asked in self.asked if asked.type != "NS"]

    def on(self, name: str, *scripts: Script, qtype: str | None = None) -> None:
        """Set what happens for a name, for one type or for all."""
        self._scripts[from_text(name), None if qtype is None else type_number(qtype)] = deque(scripts)

    def hold(self, *records: Record) -> None:
        """Answer each name and type of these records with exactly them."""
        table: dict[tuple[Name, int | None], list[Record]] = {}
        for one in records:
            table.setdefault((one.owner, one.type), []).append(one)
        for key, found in table.items():
            self._scripts[key] = deque([Script(answer=tuple(found))])

    async def start(self) -> None:
        """Listen. Raises OSError when no port is free for both UDP and TCP."""
        for attempt in range(_TRIES):
            udp = _bound(self.ip, self.port)
            port = udp.getsockname()[1]
            try:
                self._server = await self._listen(port) if self._tcp else None
            except OSError:
                udp.close()
                if attempt == _TRIES - 1:
                    raise
                continue
            self._udp, self.port = udp, port
            asyncio.get_running_loop().add_reader(udp.fileno(), self._readable, udp)
            return

    async def _listen(self, port: int) -> asyncio.Server:
        return await asyncio.start_server(self._serve, self.ip, port, ssl=self._tls)

    async def stop(self) -> None:
        """Stop listening; the port stays remembered, so that `start` can take it again."""
        if self._udp is not None:
            asyncio.get_running_loop().remove_reader(self._udp.fileno())
            self._udp.close()
            self._udp = None
        if self._server is not None:
            self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)

    async def __aenter__(self) -> FakeUpstream:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _readable(self, udp: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                wire, source = udp.recvfrom(_ROOM)
                self._received(wire, source)

    def _received(self, wire: bytes, source: tuple[str, int]) -> None:
        read = self._read(wire, Transport.UDP, source[1])
        if read is None:
            return
        query, script = read
        for lie in script.lies:
            self._send(forge(lie, query), source)
        if script.truth:
            self._later(script.delay, _truth(query, script), source, script.copies)

    def _later(self, delay: float, wire: bytes, source: tuple[str, int], copies: int) -> None:
        def send() -> None:
            for _ in range(copies):
                self._send(wire, source)

        if delay:
            asyncio.get_running_loop().call_later(delay, send)
        else:
            send()

    def _send(self, wire: bytes, source: tuple[str, int]) -> None:
        if self._udp is not None:
            self._udp.sendto(wire, source)

    def _read(self, wire: bytes, transport: Transport, port: int) -> tuple[Query, Script] | None:
        try:
            query = decode_query(wire, transport)
        except WireError:
            return None
        self.asked.append(
            Asked(str(query.name), type_text(query.qtype), query.name.wire, transport, query.id, port, query)
        )
        scripts = self._scripts.get((query.name, query.qtype)) or self._scripts.get((query.name, None))
        if not scripts:
            return query, self.default
        return query, scripts.popleft() if len(scripts) > 1 else scripts[0]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            async with asyncio.timeout(_TCP_IDLE):
                while await self._serve_one(reader, writer):
                    await writer.drain()
        except (asyncio.IncompleteReadError, OSError):  # the client left, or said nothing for long (TimeoutError)
            return
        except asyncio.CancelledError:  # by stop, which waits for the end; streams would log it as an error
            writer.transport.abort()  # a farewell in TLS would wait for the client's
            return
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        size = int.from_bytes(await reader.readexactly(2), "big")
        wire = await reader.readexactly(size)
        read = self._read(wire, Transport.TCP, writer.get_extra_info("peername")[1])
        if read is None or read[1].tcp is TcpTrick.CLOSE:
            return False
        if self._pipelined:
            replying = asyncio.create_task(_reply(writer, *read))
            self._tasks.add(replying)
            replying.add_done_callback(self._tasks.discard)
            return True
        return await _reply(writer, *read)


async def _reply(writer: asyncio.StreamWriter, query: Query, script: Script) -> bool:
    """Answer over TCP; whether the connection goes on."""
    for lie in script.lies:
        writer.write(frame(forge(lie, query)))
    if not script.truth:
        return True
    if script.delay:
        await asyncio.sleep(script.delay)
    answer = _truth(query, script)
    if script.tcp is TcpTrick.NONE:
        writer.write(frame(answer) * script.copies)
    else:
        writer.write(broken(script.tcp, answer))
    return script.tcp is TcpTrick.NONE


def _bound(ip: str, port: int) -> socket.socket:
    """A socket of our own, because the event loop's transports do not send empty datagrams."""
    udp = socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        udp.bind((ip, port))
    except OSError:
        udp.close()
        raise
    return udp


def _truth(query: Query, script: Script) -> bytes:
    if not script.edns and query.edns is not None:
        return encode_answer(msgspec.structs.replace(query, edns=None), Answer(int(Rcode.FORMERR)), MAX_TCP)
    if script.lower:
        query = asking(query, Name(query.asked.key, query.asked.labels))
    if script.tc and query.transport is Transport.UDP:
        return encode_answer(query, Answer(tc=True, ra=script.ra), MAX_TCP)
    answer = Answer(
        script.rcode, script.answer, script.authority, script.additional, aa=script.aa, ra=script.ra, ede=script.ede
    )
    return encode_answer(query, answer, MAX_TCP)


@contextlib.contextmanager
def in_thread(upstream: FakeUpstream) -> Iterator[FakeUpstream]:
    """Run an upstream on an event loop of its own in a thread. Raises OSError when it cannot listen."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="fake-upstream", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(upstream.start(), loop).result(10)
        yield upstream
    finally:
        asyncio.run_coroutine_threadsafe(upstream.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
