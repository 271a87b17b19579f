"""Labels of many objects, held once."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from dnspolicy.model.identity import NO_LABELS

_MAX_SHARED = 10_000
Labels = Mapping[str, str]


class Sharing:
    """Makes equal texts and label sets one in memory: ten replicas differ in little."""

    def __init__(self) -> None:
        self._labels: dict[frozenset[tuple[str, str]], Labels] = {}

    def labels(self, labels: Labels | None) -> Labels:
        if not labels:
            return NO_LABELS
        key = frozenset(labels.items())
        found = self._labels.get(key)
        if found is None:
            if len(self._labels) >= _MAX_SHARED:
                self._labels.clear()
            found = self._labels[key] = {sys.intern(k): sys.intern(v) for k, v in labels.items()}
        return found
