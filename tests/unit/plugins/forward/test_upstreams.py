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
from dnspolicy.corefile.schema import Duration, Zone
from dnspolicy.model.errors import ConfigError
from dnspolicy.plugins.forward import Config
from dnspolicy.plugins.forward.attempt import Order
from dnspolicy.plugins.forward.config import HealthCheck
from dnspolicy.plugins.forward.upstreams import RECHECK, Upstreams, parse_place, parse_upstream


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
     "[2001:db8::1", "[2001:db8::1]53", "[2001:db8::1]:", "192.0.2.1:-5", "192.0.2.1:\u0665", "tls://",
     "tls://192.0.2.1%", "tls://192.0.2.1%a b", "tls://[2001:db8::1%a", "https://192.0.2.1", "quic://192.0.2.1"],
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
    again = parse_upstream(f"tls://{found.text}" if found.secure else found.text)
    assert (again.ip, again.port, again.secure) == (found.ip, found.port, found.secure)


@pytest.mark.parametrize(
    ("text", "want", "name"),
    [
        ("tls://9.9.9.9", "9.9.9.9:853", ""),
        ("tls://9.9.9.9:10853", "9.9.9.9:10853", ""),
        ("tls://9.9.9.9%dns.quad9.net", "9.9.9.9:853", "dns.quad9.net"),
        ("tls://9.9.9.9%dns.quad9.net:10853", "9.9.9.9:10853", "dns.quad9.net"),
        ("tls://2620:fe::fe%dns.quad9.net", "[2620:fe::fe]:853", "dns.quad9.net"),
        ("tls://[2620:fe::fe%dns.quad9.net]:10853", "[2620:fe::fe]:10853", "dns.quad9.net"),
        ("tls://[2620:fe::fe]%dns.quad9.net", "[2620:fe::fe]:853", "dns.quad9.net"),
    ],
)
def test_address_behind_tls(text: str, want: str, name: str) -> None:
    found = parse_upstream(text)
    assert (found.text, found.secure, found.server_name) == (want, True, name)


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("dns.example", ("dns.example", 53, False)),
        ("dns.example.:5353", ("dns.example.", 5353, False)),
        ("tls://dns.example", ("dns.example", 853, True)),
        ("dns://my-dns.svc.cluster.local", ("my-dns.svc.cluster.local", 53, False)),
    ],
)
def test_host_name(text: str, want: tuple[str, int, bool]) -> None:
    found = parse_place(text)
    assert (found.host, found.port, found.secure) == want
    assert found.address is None


def test_host_names_are_looked_up_in_their_place() -> None:
    found = Upstreams(
        ["192.0.2.1", "dns.example:5353", "tls://dns.example"], 0.0, lambda _: ("192.0.2.9", "2001:db8::9")
    )
    assert [u.text for u in found.current] == [
        "192.0.2.1:53", "192.0.2.9:5353", "[2001:db8::9]:5353", "192.0.2.9:853", "[2001:db8::9]:853",
    ]  # fmt: skip


def test_a_name_without_a_slash_may_be_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "resolv.conf").write_text("nameserver 192.0.2.1\n")
    assert [u.text for u in Upstreams(["resolv.conf"], 0.0, nowhere).current] == ["192.0.2.1:53"]


def nowhere(host: str) -> tuple[str, ...]:
    raise ConfigError(f"{host} is nowhere")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"to": ()}, "at least one upstream"),
        ({"to": tuple(f"192.0.2.{n}" for n in range(16))}, "16 upstreams are more than 15"),
        ({"to": ("no where",)}, "'no where' is not an IP address"),
        ({"to": ("https://9.9.9.9",)}, "https:// is not supported"),
        ({"to": ("192.0.2.1",), "doh_method": "POST"}, "not asked over HTTPS"),
        ({"to": ("192.0.2.1",), "max_age": 5.0}, "less than expire"),
        ({"to": ("192.0.2.1",), "tls_servername": "a b"}, "'a b' is not the name of a server"),
        ({"to": ("tls://192.0.2.1%a.test",), "tls_servername": "b.test"}, "names its server"),
        ({"to": ("192.0.2.1",), "failover": ("SERVFAIL", "noerror")}, "'noerror' is no failure"),
        ({"to": ("192.0.2.1",), "next": ("NONSENSE",)}, "'NONSENSE' is not a response code"),
        ({"to": ("192.0.2.1",), "source_address": "eth0"}, "'eth0' does not appear to be"),
        ({"to": ("192.0.2.1",), "resolver": ("dns.example",)}, "'dns.example' is not an IP address"),
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
        (
            "forward . dns.test tls://192.0.2.1 {\nhealth_check 5s no_rec domain a.test\nmax_fails 0\nexpire 1m\n"
            "max_age 2m\nmax_idle_conns 4\nread_timeout 500ms\nmax_connect_attempts 3\ntls ca.pem\n"
            "tls_servername dns.test\nnext NXDOMAIN SERVFAIL\nnext_on_nodata\nfailover refused\n"
            "failfast_all_unhealthy_upstreams\nsource_address 192.0.2.9\nresolver 192.0.2.3 192.0.2.4:5353\n"
            "force_tcp\nprefer_udp\n}",
            Config(
                from_=Zone("."), to=("dns.test", "tls://192.0.2.1"), max_fails=0, expire=Duration(60.0),
                max_age=Duration(120.0), max_idle_conns=4, read_timeout=Duration(0.5), max_connect_attempts=3,
                tls=("ca.pem",), tls_servername="dns.test", next=("NXDOMAIN", "SERVFAIL"), next_on_nodata=True,
                failover=("refused",), failfast_all_unhealthy_upstreams=True, source_address="192.0.2.9",
                resolver=("192.0.2.3", "192.0.2.4:5353"), force_tcp=True, prefer_udp=True,
                health_check=HealthCheck(Duration(5.0), ("no_rec", "domain", "a.test")),
            ),
        ),
        ("forward . 192.0.2.1 {\nforce_tcp\n}", Config(from_=Zone("."), to=("192.0.2.1",), force_tcp=True)),
    ],
)  # fmt: skip
def test_config(tmp_path: Path, line: str, want: Config) -> None:
    assert bound(tmp_path, line) == want


@pytest.mark.parametrize(
    "line",
    ["forward", "forward .", "forward . -", "forward . quic://192.0.2.1", "forward . 192.0.2.1 {\npolicy best\n}",
     *(f"forward . 192.0.2.1 {{\n{option}\n}}" for option in (
         "max_concurrent -1", "health_check", "health_check soon", "health_check 1s rec", "health_check 1s domain",
         "health_check 1s domain a..b", "expire", "expire -1s", "max_fails -1", "read_timeout 0s", "tls a b c d",
         "next", "failover", "failover NOERROR", "doh_method PUT", "doh_method GET", "resolver", "force_tcp yes",
     ))],
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
        found = Upstreams(["192.0.2.7:5353", str(path), "192.0.2.1"], 0.0, nowhere)
        assert [u.text for u in found.current] == ["192.0.2.7:5353", "192.0.2.1:53", "[2001:db8::1]:53"]

    @pytest.mark.parametrize("text", [None, "", "search a.test\n", "nameserver x\n"])
    def test_no_nameserver_at_the_start(self, tmp_path: Path, text: str | None) -> None:
        path = tmp_path / "resolv.conf"
        if text is not None:
            path.write_text(text)
        with pytest.raises(ConfigError, match=r"resolv\.conf"):
            Upstreams([str(path)], 0.0, nowhere)

    def test_too_many(self, tmp_path: Path) -> None:
        path = tmp_path / "resolv.conf"
        path.write_text("".join(f"nameserver 192.0.2.{n}\n" for n in range(16)))
        with pytest.raises(ConfigError, match="16 upstreams are more than 15"):
            Upstreams([str(path)], 0.0, nowhere)

    def test_a_change_is_noticed_but_not_looked_for_all_the_time(self, tmp_path: Path) -> None:
        path = tmp_path / "resolv.conf"
        path.write_text("nameserver 192.0.2.1\n")
        found = Upstreams([str(path)], 0.0, nowhere)
        write(path, "nameserver 192.0.2.2\n")
        assert found.refresh(RECHECK - 1) is None
        assert [u.ip for u in found.current] == ["192.0.2.1"]
        assert found.refresh(RECHECK) is None
        assert [u.ip for u in found.current] == ["192.0.2.2"]

    @pytest.mark.parametrize("text", [None, "", "nameserver x\n"])
    def test_the_last_good_content_stays(self, tmp_path: Path, text: str | None) -> None:
        path = tmp_path / "resolv.conf"
        path.write_text("nameserver 192.0.2.1\n")
        found = Upstreams([str(path)], 0.0, nowhere)
        path.unlink()
        if text is not None:
            path.write_text(text)
        assert str(path) in (found.refresh(RECHECK) or "")
        assert [u.ip for u in found.current] == ["192.0.2.1"]
        write(path, "nameserver 192.0.2.3\n")
        assert found.refresh(2 * RECHECK) is None
        assert [u.ip for u in found.current] == ["192.0.2.3"]

    def test_a_pipe_in_its_place_is_not_waited_for(self, tmp_path: Path) -> None:
        file = tmp_path / "resolv.conf"
        file.write_text("nameserver 192.0.2.1\n")
        upstreams = Upstreams([str(file)], 0.0, nowhere)
        file.unlink()
        os.mkfifo(file)
        assert "not a regular file" in (upstreams.refresh(RECHECK) or "")
        assert [known.ip for known in upstreams.current] == ["192.0.2.1"]

    def test_the_same_content_again_changes_nothing(self, tmp_path: Path) -> None:
        path = tmp_path / "resolv.conf"
        path.write_text("nameserver 192.0.2.1\n")
        found = Upstreams([str(path)], 0.0, nowhere)
        before = found.current
        os.utime(path, (1, 1))
        assert found.refresh(RECHECK) is None
        assert found.current is before
