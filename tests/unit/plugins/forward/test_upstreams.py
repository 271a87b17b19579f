"""Addresses and resolv.conf."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnspolicy.corefile.bind import bind
from dnspolicy.corefile.complaints import Complaints
from dnspolicy.corefile.load import load
from dnspolicy.corefile.schema import Zone
from dnspolicy.model.errors import ConfigError
from dnspolicy.plugins.forward import Config
from dnspolicy.plugins.forward.attempt import Order
from dnspolicy.plugins.forward.upstreams import RECHECK, Upstreams, parse_upstream


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("192.0.2.1", "192.0.2.1:53"),
        ("192.0.2.1:5353", "192.0.2.1:5353"),
        ("dns://192.0.2.1", "192.0.2.1:53"),
        ("2001:DB8::1", "[2001:db8::1]:53"),
        ("[2001:db8::1]", "[2001:db8::1]:53"),
        ("[2001:db8::1]:5353", "[2001:db8::1]:5353"),
        ("fe80::1%eth0", "[fe80::1%eth0]:53"),
    ],
)
def test_address(text: str, want: str) -> None:
    assert parse_upstream(text).text == want


@pytest.mark.parametrize(
    "text",
    ["", "dns.example", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:5x", "192.0.2.256", "[192.0.2.1]:53",
     "[2001:db8::1", "[2001:db8::1]53", "[2001:db8::1]:", "192.0.2.1:-5", "192.0.2.1:\u0665", "tls://192.0.2.1",
     "https://192.0.2.1"],
)  # fmt: skip
def test_not_an_address(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        parse_upstream(text)


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        found = parse_upstream(text)
    except ValueError:
        return
    assert parse_upstream(found.text) == found


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"to": ()}, "at least one upstream"),
        ({"to": tuple(f"192.0.2.{n}" for n in range(16))}, "16 upstreams are more than 15"),
        ({"to": ("nowhere",)}, "'nowhere' is not an IP address"),
        ({"to": ("tls://9.9.9.9",)}, "tls:// is not supported"),
        ({"to": ("192.0.2.1",), "force_tcp": True, "prefer_udp": True}, "exclude each other"),
    ],
)
def test_config_is_refused(options: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Config(from_=".", **options)  # type: ignore[arg-type]


def bound(folder: Path, line: str) -> Config:
    """The Config of a `forward` line. Raises ConfigError."""
    path = folder / "Corefile"
    path.write_text(f".:53 {{\n{line}\n}}\n")
    complaints = Complaints()
    found = bind(load(path, {}).blocks[0].directives[0], Config, complaints)
    complaints.raise_if_any()
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("line", "want"),
    [
        ("forward . 192.0.2.1", Config(from_=Zone("."), to=("192.0.2.1",))),
        ("forward Corp.Test 192.0.2.1 /a/b", Config(from_=Zone("corp.test."), to=("192.0.2.1", "/a/b"))),
        (
            "forward . 192.0.2.1 {\nexcept a.test b.test\nexcept c.test\nmax_concurrent 1000\npolicy round_robin\n}",
            Config(
                from_=Zone("."), to=("192.0.2.1",), except_=(Zone("a.test."), Zone("b.test."), Zone("c.test.")),
                max_concurrent=1000, policy=Order.ROUND_ROBIN,
            ),
        ),
        ("forward . 192.0.2.1 {\nforce_tcp\n}", Config(from_=Zone("."), to=("192.0.2.1",), force_tcp=True)),
    ],
)  # fmt: skip
def test_config(tmp_path: Path, line: str, want: Config) -> None:
    assert bound(tmp_path, line) == want


@pytest.mark.parametrize(
    "line",
    ["forward", "forward .", "forward . nowhere", "forward . tls://192.0.2.1", "forward . 192.0.2.1 {\npolicy best\n}",
     "forward . 192.0.2.1 {\nmax_concurrent -1\n}", "forward . 192.0.2.1 {\nhealth_check 1s\n}",
     "forward . 192.0.2.1 {\nexpire 10s\n}", "forward . 192.0.2.1 {\nforce_tcp\nprefer_udp\n}"],
)  # fmt: skip
def test_a_line_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigError, match=r"Corefile:\d+:\d+: "):
        bound(tmp_path, line)


def write(path: Path, text: str) -> None:
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


class TestResolvConf:
    def test_nameservers_are_read_and_other_lines_are_not(self, tmp_path: Path) -> None:
        path = tmp_path / "resolv.conf"
        path.write_text(
            "# nameserver 192.0.2.9\nsearch a.test\nnameserver 192.0.2.1\nnameserver 2001:db8::1 \nnameserver x\n"
        )
        found = Upstreams(["192.0.2.7:5353", str(path), "192.0.2.1"], 0.0)
        assert [u.text for u in found.current] == ["192.0.2.7:5353", "192.0.2.1:53", "[2001:db8::1]:53"]

    @pytest.mark.parametrize("text", [None, "", "search a.test\n", "nameserver x\n"])
    def test_no_nameserver_at_the_start(self, tmp_path: Path, text: str | None) -> None:
        path = tmp_path / "resolv.conf"
        if text is not None:
            path.write_text(text)
        with pytest.raises(ConfigError, match=r"resolv\.conf"):
            Upstreams([str(path)], 0.0)

    def test_too_many(self, tmp_path: Path) -> None:
        path = tmp_path / "resolv.conf"
        path.write_text("".join(f"nameserver 192.0.2.{n}\n" for n in range(16)))
        with pytest.raises(ConfigError, match="16 upstreams are more than 15"):
            Upstreams([str(path)], 0.0)

    def test_a_change_is_noticed_but_not_looked_for_all_the_time(self, tmp_path: Path) -> None:
        path = tmp_path / "resolv.conf"
        path.write_text("nameserver 192.0.2.1\n")
        found = Upstreams([str(path)], 0.0)
        write(path, "nameserver 192.0.2.2\n")
        assert found.refresh(RECHECK - 1) is None
        assert [u.ip for u in found.current] == ["192.0.2.1"]
        assert found.refresh(RECHECK) is None
        assert [u.ip for u in found.current] == ["192.0.2.2"]

    @pytest.mark.parametrize("text", [None, "", "nameserver x\n"])
    def test_the_last_good_content_stays(self, tmp_path: Path, text: str | None) -> None:
        path = tmp_path / "resolv.conf"
        path.write_text("nameserver 192.0.2.1\n")
        found = Upstreams([str(path)], 0.0)
        path.unlink()
        if text is not None:
            path.write_text(text)
        assert str(path) in (found.refresh(RECHECK) or "")
        assert [u.ip for u in found.current] == ["192.0.2.1"]
        write(path, "nameserver 192.0.2.3\n")
        assert found.refresh(2 * RECHECK) is None
        assert [u.ip for u in found.current] == ["192.0.2.3"]

    def test_the_same_content_again_changes_nothing(self, tmp_path: Path) -> None:
        path = tmp_path / "resolv.conf"
        path.write_text("nameserver 192.0.2.1\n")
        found = Upstreams([str(path)], 0.0)
        before = found.current
        os.utime(path, (1, 1))
        assert found.refresh(RECHECK) is None
        assert found.current is before
