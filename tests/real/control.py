"""The hand that changes a real cluster: objects in, objects out, quickly."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dnspolicy.testing.apiserver.resources import BY_KIND, Manifest, Resource

CONNECTIONS = 8
_PATIENCE = 30.0
_MERGE = "application/merge-patch+json"


class Control:
    """Speaks to `https://127.0.0.1:PORT` as the owner of a token, over a few connections at once."""

    def __init__(self, port: int, token: str, authority: str) -> None:
        self._port = port
        self._token = token
        self._tls = ssl.create_default_context(cafile=authority)
        self._own = threading.local()
        self._opened: list[http.client.HTTPSConnection] = []
        self._pool = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="control")

    def close(self) -> None:
        self._pool.shutdown()
        for connection in self._opened:
            connection.close()

    def put(self, item: Manifest) -> int:
        """Create an object or merge it into the one there is, then its status; the resource version it has got."""
        resource, meta = BY_KIND[item["kind"]], item["metadata"]
        body = {"apiVersion": resource.version, **{key: value for key, value in item.items() if key != "status"}}
        code, made = self.call("POST", _collection(resource, meta), body)
        if code == 409:
            code, made = self.call("PATCH", _place(resource, meta), body)
        _expect(code, made)
        if item.get("status"):
            code, made = self.call("PATCH", _place(resource, meta) + "/status", {"status": item["status"]})
            _expect(code, made)
        return int(made["metadata"]["resourceVersion"])

    def put_all(self, items: Iterable[Manifest]) -> list[int]:
        """Many at once, in no order."""
        return list(self._pool.map(self.put, items))

    def remove(self, kind: str, namespace: str, name: str, seconds: int = 0) -> int:
        """Delete an object, with so many seconds of grace; the code of the answer."""
        resource = BY_KIND[kind]
        meta = {"namespace": namespace, "name": name}
        code, told = self.call("DELETE", f"{_place(resource, meta)}?gracePeriodSeconds={seconds}")
        _expect(code, told)
        if kind == "Namespace":
            emptied = {"kind": kind, "apiVersion": "v1", "metadata": {"name": name}, "spec": {"finalizers": []}}
            self.call("PUT", f"{_place(resource, meta)}/finalize", emptied)
        return code

    def remove_all(self, keys: Iterable[tuple[str, str, str]]) -> None:
        """Delete many: kind, namespace and name of each."""
        list(self._pool.map(lambda key: self.remove(*key), keys))

    def empty(self, namespace: str) -> None:
        """Delete all pods, services, slices of a namespace, and then itself."""
        for kind in ("Pod", "EndpointSlice"):
            _expect(
                *self.call("DELETE", _collection(BY_KIND[kind], {"namespace": namespace}) + "?gracePeriodSeconds=0")
            )
        _, listed = self.call("GET", _collection(BY_KIND["Service"], {"namespace": namespace}))
        self.remove_all(("Service", namespace, item["metadata"]["name"]) for item in listed["items"])
        self.remove("Namespace", "", namespace)

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """One request; status and decoded body. Raises OSError and HTTPException when there is no answer."""
        try:
            return self._call(method, path, body)
        except (ConnectionError, ssl.SSLError, http.client.BadStatusLine):  # kept from before the server was killed
            return self._call(method, path, body)

    def _call(self, method: str, path: str, body: object) -> tuple[int, Any]:
        kind = _MERGE if method == "PATCH" else "application/json"
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": kind}
        connection = self._connection()
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            reply = connection.getresponse()
            text = reply.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            raise
        return reply.status, json.loads(text) if text[:1] == b"{" else text.decode()

    def _connection(self) -> http.client.HTTPSConnection:
        if not hasattr(self._own, "connection"):
            self._own.connection = http.client.HTTPSConnection(
                "127.0.0.1", self._port, context=self._tls, timeout=_PATIENCE
            )
            self._opened.append(self._own.connection)
        connection: http.client.HTTPSConnection = self._own.connection
        return connection


def _collection(resource: Resource, meta: Manifest) -> str:
    middle = f"/namespaces/{meta['namespace']}" if resource.namespaced else ""
    return f"{resource.root}{middle}/{resource.plural}"


def _place(resource: Resource, meta: Manifest) -> str:
    return f"{_collection(resource, meta)}/{meta['name']}"


def _expect(code: int, told: Any) -> None:
    if code not in (200, 201, 202):
        raise AssertionError(f"kube-apiserver says {code}: {str(told.get('message'))[:500]}")
