"""A decision point: the engine of a Corefile, served to other dnspolicy servers over gRPC."""

from __future__ import annotations

import os
import socket
import stat
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from dnspolicy.app.parts import Parts
from dnspolicy.app.pdp.options import Options
from dnspolicy.app.pdp.pages import Pages
from dnspolicy.app.pdp.service import Service
from dnspolicy.app.plan import Plan
from dnspolicy.app.supply import supply_of
from dnspolicy.corefile.credentials import PemFiles
from dnspolicy.engines.grpc.credentials import for_server
from dnspolicy.engines.grpc.words import SERVICE
from dnspolicy.model.errors import ConfigError
from dnspolicy.plugins import policy
from dnspolicy.policy.engine import Reach, Supply

LOOK = 1.0
"""Seconds between two looks at certificates."""


class Pdp:
    """Serves the engine of `supply`, which it starts and stops. `timeout` is in seconds, for one decision.

    To be made on the event loop it runs on.
    """

    def __init__(self, supply: Supply, options: Options, parts: Parts, *, timeout: float) -> None:
        self._supply = supply
        self._options = options
        self._parts = parts
        self._timeout = timeout
        self._server: grpc.aio.Server | None = None
        self._service: Service | None = None
        self._health: Any = health.aio.HealthServicer()
        self._pages = None if options.http is None else Pages(options.http, supply.engine, parts)
        self._sockets: list[Path] = []
        self.listens: list[str] = []
        metrics = parts.metrics
        self._info = metrics.gauge("dnspolicy_policy_info", "1 for the policy revision in force.", ("revision",))

    async def start(self) -> None:
        """Listen and decide. Raises ConfigError and PolicyLoadError; nothing is left running then."""
        try:
            for source in self._parts.sources.values():  # of which data of the policy may come
                await source.start()
            await self._supply.settle()
            await self._start()
            await self._supply.start(self._changed)
            if self._pages is not None:
                await self._pages.start()
        except BaseException:
            await self.stop()
            raise
        self._show()

    async def stop(self) -> None:
        """Say that it serves no more, answer what was asked, end."""
        if self._pages is not None:
            await self._pages.drain()
        if self._server is not None:
            await self._health.enter_graceful_shutdown()
            assert self._service is not None
            self._service.close()
            await self._server.stop(self._options.drain)
        for path in self._sockets:
            with suppress(OSError):
                path.unlink()
        await self._supply.stop()
        if self._pages is not None:
            await self._pages.stop()
        for source in self._parts.sources.values():
            await source.stop()

    @property
    def http_port(self) -> int:
        """The port of the pages; 0 without them."""
        return 0 if self._pages is None else self._pages.port

    def announcement(self) -> list[str]:
        """What is served where, for people."""
        return [f"decision point on {', '.join(self.listens)}", self._supply.announcement()]

    def _changed(self, reach: Reach = Reach.EVERYBODY) -> None:
        assert self._service is not None
        self._service.changed()
        self._show()

    def _show(self) -> None:
        self._info.values.clear()
        self._info.set(1.0, (self._supply.engine.revision,))

    async def _start(self) -> None:
        limits = self._options.limits
        self._service = Service(
            self._supply.engine,
            timeout=self._timeout,
            batch=limits.batch,
            monotonic=self._parts.clock.monotonic,
            metrics=self._parts.metrics,
        )
        self._server = server = grpc.aio.server(
            options=[
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", limits.message),
                ("grpc.max_send_message_length", -1),
                ("grpc.max_concurrent_streams", limits.streams),
                ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
            ],
            maximum_concurrent_rpcs=limits.calls,
        )
        server.add_generic_rpc_handlers((self._service.handler(),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        for name in ("", SERVICE):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        if self._options.reflection:
            reflection.enable_server_reflection((SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
        add = self._adder(server)
        for text in self._options.listen:
            self.listens.append(self._listen(add, text))
        await server.start()

    def _adder(self, server: grpc.aio.Server) -> Callable[[str], int]:
        """Adds an address, with TLS where there are certificates."""
        options = self._options
        if options.certificate is None:
            return server.add_insecure_port
        files = PemFiles(options.authority, options.certificate, options.key)
        fetch: Any = _Fetch(files)  # None for what is in use is right, though the types do not say so
        credentials = grpc.dynamic_ssl_server_credentials(
            for_server(fetch.pem), fetch, require_client_authentication=options.authority is not None
        )
        return lambda address: server.add_secure_port(address, credentials)

    def _listen(self, add: Callable[[str], int], text: str) -> str:
        """Listen on one address; how it is reached."""
        if not text.startswith("unix:"):
            try:
                port = add(text)
            except RuntimeError:
                port = 0
            if not port:
                raise ConfigError(f"pdp: cannot listen on {text}: in use, no address of this machine, or not allowed")
            return f"{text.rpartition(':')[0]}:{port}"
        path = Path(text[5:]).absolute()
        _check_free(path)
        before = os.umask(0o777 & ~self._options.socket_mode)
        try:
            if not add(f"unix:{path}"):
                raise RuntimeError
        except RuntimeError:
            raise ConfigError(f"pdp: cannot listen on {text}: no such folder, or not allowed") from None
        finally:
            os.umask(before)
        self._sockets.append(path)
        path.chmod(self._options.socket_mode)
        return text


class _Fetch:
    """What the library asks at each handshake: new certificates, or None. May be called by threads of its own."""

    def __init__(self, files: PemFiles) -> None:
        self._files = files
        self.pem = files.checked()
        self._looked = time.monotonic()

    def __call__(self) -> grpc.ServerCertificateConfiguration | None:
        now = time.monotonic()
        if now - self._looked < LOOK:
            return None
        self._looked = now
        try:
            found = self._files.checked(self.pem)
        except ConfigError:
            return None  # those in use stay
        if found is self.pem:
            return None
        self.pem = found
        return for_server(found)


def open_pdp(plan: Plan, options: Options, parts: Parts) -> Pdp:
    """One that serves the policy of a Corefile. Raises ConfigError and PolicyLoadError."""
    found = {config.of_engine(): config for block in plan.blocks for config in block.all(policy.Config)}
    if not found:
        raise ConfigError("pdp: the Corefile has no policy block, and so nothing that could be served")
    if len(found) > 1:
        raise ConfigError(f"pdp: the Corefile has {len(found)} different policies; one can be served")
    config = next(iter(found.values()))
    if config.tenants is not None:
        raise ConfigError("pdp: tenants stands in the server that asks, beside the word grpc")
    supply = supply_of(config, plan, parts, threading.get_ident())
    return Pdp(supply, options, parts, timeout=float(config.timeout))


def _check_free(path: Path) -> None:
    """The library would take a socket away from whoever listens there. Raises ConfigError."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise ConfigError(f"pdp: cannot listen on unix:{path}: there is a file that is no socket")
    except FileNotFoundError:
        return
    except OSError as problem:
        raise ConfigError(f"pdp: cannot listen on unix:{path}: {problem.strerror}") from None
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            return
    raise ConfigError(f"pdp: cannot listen on unix:{path}: somebody listens there")
