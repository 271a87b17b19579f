"""Opening a bundle in a process of its own says what opening it here says."""

from __future__ import annotations

from pathlib import Path

import pytest

from dnspolicy.app.reading import read_plan
from dnspolicy.bundle import BundleError, BundleNotOpened, Limits, Trust
from dnspolicy.engines.rego import opening
from dnspolicy.engines.rego.opening import Job, open_apart, opened
from dnspolicy.model.errors import ConfigError
from tests.unit.bundle.archives import ALLOW, RSA, packed, public


def job(raw: bytes, trust: Trust = Trust()) -> Job:  # noqa: B008 it is frozen
    return Job("b.tar.gz", raw, trust, Limits())


def test_a_good_bundle_comes_out_whole() -> None:
    good = job(packed({"p.rego": ALLOW, "site/data.yaml": b"a: 1\n"}))
    assert open_apart(good) == opened(good)


@pytest.mark.parametrize("trust", [Trust(), Trust((public(RSA),))], ids=["unchecked", "checked"])
def test_complaints_come_out(trust: Trust) -> None:
    bad = job(packed({"../p.rego": ALLOW}), trust)
    said = []
    for opens in (open_apart, opened):
        with pytest.raises(BundleError) as problem:
            opens(bad)
        said.append(str(problem.value))
    assert said == ["bundle b.tar.gz: ../p.rego: a path that leads elsewhere"] * 2


def test_a_process_that_does_not_end_well_is_a_complaint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "SECONDS", 0.001)
    with pytest.raises(BundleNotOpened, match=r"bundle b\.tar\.gz: opening it took longer than 0\.001 s"):
        open_apart(job(packed({"p.rego": ALLOW})))
    monkeypatch.undo()
    monkeypatch.setattr(opening.sys, "executable", "/nowhere")
    with pytest.raises(BundleNotOpened, match=r"bundle b\.tar\.gz: a process to open it cannot be started"):
        open_apart(job(packed({"p.rego": ALLOW})))
    monkeypatch.setattr(opening.sys, "executable", "/bin/false")
    with pytest.raises(BundleNotOpened, match="or failed with code 1"):
        open_apart(job(packed({"p.rego": ALLOW})))


LINES = {
    "plain HTTP": ("bundle http://192.0.2.1/b.tar.gz", "anybody on the way could change it"),
    "no host": ("bundle https:///b.tar.gz", "is no URL that begins with http:// or https://"),
    "another scheme": ("bundle ftp://192.0.2.1/b.tar.gz", "is no URL that begins with http:// or https://"),
    "a file with options of URLs": (
        "bundle b.tar.gz {\n keep x\n wait 5s\n}",
        "wait, keep: for bundles behind a URL only",
    ),
    "half a certificate": ("bundle https://a/b {\n certificate x\n}", "certificate takes two files"),
    "a scope without key": ("bundle b.tar.gz {\n scope x\n}", "keyid, scope and exclude are for bundles with a key"),
    "unknown algorithm": ("bundle b.tar.gz {\n key k none id\n}", '"id" is one word too many'),
    "too often": ("bundle https://a/b {\n every 10ms\n}", "every"),
}


@pytest.mark.parametrize(("line", "said"), LINES.values(), ids=LINES.keys())
def test_lines_that_cannot_be_meant_are_refused_with_their_place(tmp_path: Path, line: str, said: str) -> None:
    corefile = tmp_path / "Corefile"
    corefile.write_text(f".:53 {{\npolicy {{\n{line}\n}}\n}}\n")
    with pytest.raises(ConfigError) as problem:
        read_plan(corefile, {})
    assert f"{corefile}:" in str(problem.value)
    assert said in str(problem.value)
