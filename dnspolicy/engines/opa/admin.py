"""Policies and data of an OPA, by `opa-python-client`; the only part that imports it.

It is asked to retry nothing and to rewrite nothing. Unix sockets, which it does not know, are an adapter of ours. It is
slow and blocks, which suits people: decisions go another way.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar
from urllib.parse import quote

import requests
import urllib3
from opa_client.errors import DeleteDataError, DeletePolicyError, PolicyNotFoundError, RegoParseError
from opa_client.opa import OpaClient
from requests.adapters import HTTPAdapter

from dnspolicy.engines.opa.credentials import Files, read
from dnspolicy.model.errors import DnsPolicyError, EngineUnavailable
from dnspolicy.model.printable import printable
from dnspolicy.policy.engine import DataPath
from dnspolicy.policy.settings.opa import Address

SECONDS = 30.0
_WHERE = re.compile(r"^\w+\(host=[^)]*\): (Failed to establish a new connection: )?")
"""What urllib3 puts before its errors."""
P = ParamSpec("P")
T = TypeVar("T")


class Refused(DnsPolicyError):
    """OPA does not take something. `errors` are its complaints: file (its name there), row, column and text."""

    def __init__(self, text: str, errors: tuple[tuple[str, int, int, str], ...] = ()) -> None:
        super().__init__(text)
        self.errors = errors


class Admin:
    """One OPA. Every method raises EngineUnavailable when it cannot be asked, and Refused when it does not want.

    Raises ConfigError for files of credentials that cannot be used.
    """

    def __init__(self, address: Address, files: Files) -> None:
        token = read(files).token or None
        cert = (str(files.cert), str(files.key)) if files.cert and files.key else None
        host = f"[{address.host}]" if ":" in address.host else address.host or "localhost"
        verify: Any = (str(files.ca) if files.ca else True) if address.tls else False
        self._where = address.text
        self._client = OpaClient(
            host=host, port=address.port or 80, ssl=verify, cert=cert, token=token, retries=0, timeout=SECONDS
        )
        session = self._client._session  # the package has no other way to a socket
        session.trust_env = False  # no proxy and no other credentials
        if address.socket:
            session.mount("http://", _UnixAdapter(address.socket))

    def close(self) -> None:
        self._client.close_connection()

    def policies(self) -> dict[str, str]:
        """The text of every policy by its id."""
        ids = self._do(self._client.get_policies_list)
        return {name: self.policy(name) for name in ids}

    def policy(self, name: str) -> str:
        """The text of one."""
        return str(self._do(self._client.get_policy, quote(name))["result"].get("raw", ""))

    def put_policy(self, name: str, text: str) -> None:
        self._do(self._client.update_policy_from_string, text, quote(name), rego_compat=False)

    def delete_policy(self, name: str) -> None:
        self._do(self._client.delete_policy, quote(name))

    def data(self, path: DataPath) -> Any:
        """The document at a path below `data`; None when there is none."""
        try:
            return self._do(self._client.get_data, _target(path))["result"]
        except _Missing:
            return None

    def put_data(self, path: DataPath, document: Any) -> None:
        """Put a document there, whatever was there before."""
        if isinstance(document, Mapping):
            self._do(self._client.update_or_create_data, dict(document), _target(path))
            return
        self._do(self._put_value, path, document)

    def _put_value(self, path: DataPath, document: Any) -> None:
        """What the package does not do: it puts objects only."""
        url = f"{self._client.root_url}/data/{_target(path)}"
        reply = self._client._session.put(url, json=document, timeout=SECONDS)
        if reply.status_code not in (200, 204):
            raise Refused(f"OPA at {self._where}: status {reply.status_code}, {printable(reply.text)}")

    def delete_data(self, path: DataPath) -> None:
        """Take it away; none there is well too."""
        try:
            self._do(self._client.delete_data, _target(path))
        except _Missing:
            return

    def _do(self, work: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
        try:
            return work(*args, **more)
        except RegoParseError as problem:
            raise Refused(f"OPA at {self._where}: {problem.message}", tuple(map(_error, problem.errors))) from None
        except (PolicyNotFoundError, DeleteDataError, DeletePolicyError) as problem:
            kind = _Missing if problem.expression in ("resource_not_found", "PolicyNotFoundError") else Refused
            raise kind(f"OPA at {self._where}: {printable(str(problem.message))}") from None
        except requests.exceptions.HTTPError as problem:
            status = problem.response.status_code if problem.response is not None else "unknown"
            raise Refused(f"OPA at {self._where}: status {status}") from None
        except requests.exceptions.JSONDecodeError:
            raise Refused(f"OPA at {self._where}: its reply is not JSON") from None
        except requests.exceptions.RequestException as problem:
            raise EngineUnavailable(f"OPA at {self._where}: {_reason(problem)}") from None


class _Missing(Refused):
    """There is no such thing."""


def _target(path: DataPath) -> str:
    return "/".join(quote(step, safe="") for step in path)


def _error(error: Mapping[str, Any]) -> tuple[str, int, int, str]:
    place = error.get("location") or {}
    text = f"{error.get('code', 'error')}: {error.get('message', '')}"
    return str(place.get("file", "")), int(place.get("row", 0)), int(place.get("col", 0)), printable(text)


def _reason(problem: Exception) -> str:
    """The innermost text, which is the one that says something."""
    inner: Any = problem
    while inner.args and isinstance(getattr(inner.args[0], "reason", None) or inner.args[0], Exception):
        inner = getattr(inner.args[0], "reason", None) or inner.args[0]
    return printable(_WHERE.sub("", str(inner)) or type(inner).__name__)


class _UnixConnection(urllib3.connection.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        try:
            self.sock.settimeout(SECONDS)
            self.sock.connect(self._path)
        except OSError as problem:
            self.sock.close()
            raise urllib3.exceptions.NewConnectionError(self, problem.strerror or str(problem)) from None


class _UnixPool(urllib3.HTTPConnectionPool):
    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self._path = path

    def _new_conn(self) -> _UnixConnection:
        return _UnixConnection(self._path)


class _UnixAdapter(HTTPAdapter):
    """All requests go to one socket."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._pool = _UnixPool(path)

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> _UnixPool:
        return self._pool

    def close(self) -> None:
        self._pool.close()
        super().close()
