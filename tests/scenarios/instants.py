"""Times in a story, counted from when it is written to a file: the clock of a policy is the system's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

_WORD = re.compile(r"(in|past|clock_in|clock_past)_(\d+)_(seconds|hours)")


class Words(Mapping[str, str]):
    """What `${word}` stands for: words of its own, `in_20_seconds` and `past_2_hours` as RFC 3339, `clock_in_1_hours`
    and `clock_past_1_hours` as `HH:MM` in UTC."""

    def __init__(self, own: Mapping[str, str]) -> None:
        self._own = own

    def __getitem__(self, word: str) -> str:
        found = _WORD.fullmatch(word)
        if word in self._own or found is None:
            return self._own[word]
        how, number, unit = found.groups()
        distance = timedelta(**{unit: int(number)})
        then = datetime.now(UTC) + (distance if how.endswith("in") else -distance)
        return f"{then:%H:%M}" if how.startswith("clock") else f"{then:%Y-%m-%dT%H:%M:%SZ}"

    def __iter__(self) -> Iterator[str]:
        return iter(self._own)

    def __len__(self) -> int:
        return len(self._own)
