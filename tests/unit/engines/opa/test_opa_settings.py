"""Addresses, and the words of the block."""

from __future__ import annotations

from pathlib import Path

import pytest

from dnspolicy.app.reading import read_plan
from dnspolicy.corefile.schema import Duration
from dnspolicy.model.errors import ConfigError
from dnspolicy.plugins.policy import Config
from dnspolicy.policy.settings.opa import Address, Opa, parse


@pytest.mark.parametrize(
    ("text", "address", "authority"),
    [
        ("http://127.0.0.1:8181", Address("", "127.0.0.1", 8181), "127.0.0.1:8181"),
        ("http://[::1]:8181/", Address("", "::1", 8181), "[::1]:8181"),
        ("https://opa.example", Address("", "opa.example", 443, tls=True), "opa.example"),
        ("http://opa", Address("", "opa", 80), "opa"),
        ("unix:///run/opa/opa.sock", Address("", socket="/run/opa/opa.sock"), "localhost"),
    ],
)
def test_addresses(text: str, address: Address, authority: str) -> None:
    found = parse(text)
    assert (found.host, found.port, found.socket, found.tls) == (
        address.host,
        address.port,
        address.socket,
        address.tls,
    )
    assert found.text == text
    assert found.authority == authority


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1:8181",
        "ftp://a",
        "http://",
        "http://a:0",
        "http://a:65536",
        "http://a:b",
        "http://a/v1/data",
        "http://a?x=y",
        "http://a#b",
        "http://user:secret@a",
        "http://a\r\nX: y",
        "http://a b",
        "http://\u00fc",
        "http://a_[",
        "http://-a",
        "unix://run/opa.sock",
        "unix:///",
        "unix:///" + "x" * 200,
        "unix:///a?b",
    ],
)
def test_what_is_no_address_is_refused_and_quoted(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|printable|credentials|only scheme|may have|Port|port|Invalid"):
        parse(text)


def corefile(folder: Path, block: str) -> Config:
    path = folder / "Corefile"
    path.write_text(f".:53 {{\n    policy {{\n{block}\n    }}\n    forward . 192.0.2.53\n}}\n")
    plan = read_plan(path, {})
    found = plan.blocks[0].one(Config)
    assert found is not None
    return found


def test_all_words_of_the_block(tmp_path: Path) -> None:
    found = corefile(
        tmp_path,
        """opa https://10.0.0.1:8181 unix:///run/opa.sock {
            rego policies more
            token_file token
            ca ca.pem
            certificate c.pem k.pem
            server_name opa.example
            pool 8
            hold 500ms
        }""",
    )
    assert found.kind == "opa"
    assert found.opa == Opa(
        ("https://10.0.0.1:8181", "unix:///run/opa.sock"),
        rego=("policies", "more"),
        token_file="token",
        ca="ca.pem",
        certificate=("c.pem", "k.pem"),
        server_name="opa.example",
        pool=8,
        hold=Duration(0.5),
    )


@pytest.mark.parametrize(
    ("block", "said"),
    [
        pytest.param("opa", "opa", id="no address"),
        pytest.param("opa http://a {\nca x\n}", "`ca` is for https:// only", id="authority without TLS"),
        pytest.param("opa https://a {\ncertificate x\n}", "certificate takes two files", id="no key"),
        pytest.param("opa http://a http://a", "'http://a' is there twice", id="twice"),
        pytest.param("opa http://a/b", "only scheme, host and port", id="a path"),
        pytest.param("opa http://a {\npool 0\n}", "pool", id="no connections"),
        pytest.param("rego a\nopa http://b", "expected one of", id="two engines"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(block: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as problem:
        corefile(tmp_path, block)
    assert said in str(problem.value)
    assert "Corefile:" in str(problem.value)
