"""Clocks in time zones: what the builtins say, and what the library makes of them, around every change of a clock."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.unit.policies.library import POLICIES, Library
from tests.unit.policies.opa import evaluated

PROBE = """
package probe

import data.dnspolicy.lib.hours_at

clocks := [[time.clock([ns, zone]), time.date([ns, zone]), time.weekday([ns, zone])] |
	some [text, zone] in data.asked
	ns := time.parse_rfc3339_ns(text)
]

hours := [hours_at(object.union(data.hours, {"zone": zone}), time.parse_rfc3339_ns(text)) |
	some [text, zone] in data.asked
]
"""
ZONES = [
    "UTC", "Europe/Berlin", "Europe/Dublin", "America/New_York", "America/St_Johns", "Australia/Lord_Howe",
    "Asia/Kolkata", "Asia/Tokyo", "Africa/Casablanca", "Pacific/Auckland",
]  # fmt: skip
CHANGES = [
    "2026-03-29T01:00:00", "2026-10-25T01:00:00", "2026-03-08T07:00:00", "2026-11-01T06:00:00", "2026-03-08T05:30:00",
    "2026-04-04T15:00:00", "2026-10-03T15:30:00", "2026-04-04T14:00:00", "2026-09-26T14:00:00", "2028-02-29T00:00:00",
    "2027-01-01T00:00:00", "2040-03-25T01:00:00",
]  # fmt: skip
"""Instants at which a clock of ZONES is put forward or back, or a year or a leap day begins."""
HOURS: list[dict[str, Any]] = [
    {"from": "02:00", "to": "04:00"},
    {"from": "22:00", "to": "06:00", "days": ["sat", "sun"]},
    {"from": "02:30", "to": "02:45"},
    {"from": "00:00", "to": "24:00", "days": ["sun", "thu"]},
]


def instants() -> list[datetime]:
    steps = [timedelta(seconds=s) for s in (-86400, -7200, -3600, -1800, -60, -1, 0, 1, 59, 1800, 3600, 7200, 86399)]
    return [datetime.fromisoformat(text).replace(tzinfo=UTC) + step for text in CHANGES for step in steps]


ASKED = [(f"{moment:%Y-%m-%dT%H:%M:%SZ}", zone) for moment in instants() for zone in ZONES]


def library(number: int, folder: Path) -> Library:
    (folder / "probe.rego").write_text(PROBE)
    return Library([POLICIES / "lib", folder], {"asked": ASKED, "hours": HOURS[number]})


def embedded(rule: str, number: int, folder: Path) -> list[Any]:
    found = library(number, folder).evaluate(f"data.probe.{rule}", {})
    assert found is not None
    values: list[Any] = json.loads(found)
    return values


def inside(hours: dict[str, Any], moment: datetime) -> bool:
    """By the clock on the wall, as Python's time zones have it."""
    second = moment.hour * 3600 + moment.minute * 60 + moment.second
    begin, end = (int(hours[key][:2]) * 3600 + int(hours[key][3:]) * 60 for key in ("from", "to"))
    on_days = hours.get("days", ["mon", "tue", "wed", "thu", "fri", "sat", "sun"])
    if begin < end:
        return begin <= second < end and f"{moment:%a}".lower() in on_days
    day = moment if second >= begin else moment - timedelta(days=1)
    return (second >= begin or second < end) and f"{day:%a}".lower() in on_days


def test_clocks_are_those_of_the_zones(tmp_path: Path) -> None:
    expected = []
    for text, zone in ASKED:
        local = datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(ZoneInfo(zone))
        date = [local.year, local.month, local.day]
        expected.append([[local.hour, local.minute, local.second], date, f"{local:%A}"])
    assert embedded("clocks", 0, tmp_path) == expected


@pytest.mark.parametrize("number", range(len(HOURS)), ids=str)
def test_within_hours_and_nothing_changes_before_the_edge(number: int, tmp_path: Path) -> None:
    said = embedded("hours", number, tmp_path)
    assert len(said) == len(ASKED)
    for (text, zone), (within, seconds) in zip(ASKED, said, strict=True):
        now = datetime.fromisoformat(text.replace("Z", "+00:00"))
        assert within is inside(HOURS[number], now.astimezone(ZoneInfo(zone)))
        assert 0 < seconds <= 86400
        steps = [1, *range(600, int(seconds), 600), int(seconds) - 1]
        meanwhile = {inside(HOURS[number], (now + timedelta(seconds=s)).astimezone(ZoneInfo(zone))) for s in steps}
        assert seconds == 1 or meanwhile == {within}, (text, zone, seconds)


@pytest.mark.real("opa")
@pytest.mark.parametrize(("rule", "number"), [("clocks", 0), *(("hours", number) for number in range(len(HOURS)))])
def test_open_policy_agent_has_the_same_clocks(rule: str, number: int, tmp_path: Path) -> None:
    ours = embedded(rule, number, tmp_path)
    data = {"asked": ASKED, "hours": HOURS[number]}
    assert evaluated([POLICIES / "lib", tmp_path / "probe.rego"], data, f"data.probe.{rule}", tmp_path) == ours
