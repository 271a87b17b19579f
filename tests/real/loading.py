"""Whole clusters put into a real one, and taken out again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

from dnspolicy.testing.apiserver.resources import Manifest
from tests.real.control import Control

_OF_THE_SERVER = (("Service", "kubernetes"), ("Namespace", "default"), ("Namespace", "kube-system"))
"""Kind and name of what an API server makes by itself."""
_GRACE = 3600


@contextlib.contextmanager
def loaded(control: Control, objects: Iterable[Manifest]) -> Iterator[None]:
    """The objects are there until the block ends. One with a `deletionTimestamp` is a pod on its way out."""
    own = [item for item in objects if (item["kind"], item["metadata"]["name"]) not in _OF_THE_SERVER]
    spaces = [item for item in own if item["kind"] == "Namespace"]
    others = [item for item in own if item["kind"] != "Namespace"]
    control.put_all(spaces)
    control.put_all(_alive(item) for item in others)
    for item in others:
        if "deletionTimestamp" in item["metadata"]:
            control.remove("Pod", item["metadata"]["namespace"], item["metadata"]["name"], _GRACE)
    try:
        yield
    finally:
        keys = [(item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]) for item in others]
        control.remove_all(keys)
        control.remove_all(("Namespace", "", item["metadata"]["name"]) for item in spaces)


def _alive(item: Manifest) -> Manifest:
    meta = {key: value for key, value in item["metadata"].items() if key != "deletionTimestamp"}
    return {**item, "metadata": meta}
