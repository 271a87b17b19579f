"""The word `grpc` of a Corefile."""

from __future__ import annotations

from pathlib import Path

import pytest

from dnspolicy.app.reading import read_plan
from dnspolicy.model.errors import ConfigError
from dnspolicy.plugins.policy import Config
from dnspolicy.policy.settings.grpc import GrpcMode, GrpcOrder, GrpcSettings


def read(folder: Path, *lines: str) -> GrpcSettings:
    corefile = folder / "Corefile"
    corefile.write_text("\n".join((".:53 {", "policy {", *lines, "}", "}", "")))
    (config,) = read_plan(corefile, {}).blocks[0].all(Config)
    assert config.kind == "grpc"
    assert config.grpc is not None
    return config.grpc


def test_a_target_is_enough(tmp_path: Path) -> None:
    found = read(tmp_path, "grpc decisions.example:9191")
    assert (found.targets, found.mode, found.secure) == (("decisions.example:9191",), GrpcMode.STREAM, False)


def test_all_that_can_be_said(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        *("grpc unix:/run/pdp.sock 10.0.0.7:9191 [2001:db8::7]:9191 {", "policy spread", "mode unary", "ca a.crt"),
        *(
            "certificate c.crt c.key",
            "server_name pdp.example",
            "connect 1s",
            "refresh 5s",
            "failures 3",
            "batch 64",
            "in_flight 100",
        ),
        *("max_reply 1M", "hold 5s", "vary 0", "}"),
    )
    assert found == GrpcSettings(
        targets=("unix:/run/pdp.sock", "10.0.0.7:9191", "[2001:db8::7]:9191"), policy=GrpcOrder.SPREAD,
        mode=GrpcMode.UNARY, ca="a.crt",
        certificate=("c.crt", "c.key"), server_name="pdp.example", connect=1.0, refresh=5.0, failures=3, batch=64,
        in_flight=100, max_reply=1024 * 1024, hold=5.0, vary=0,
    )  # fmt: skip
    assert found.secure


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        pytest.param(("grpc",), "grpc lacks TARGETS", id="no target"),
        pytest.param(("grpc 10.0.0.7",), "'10.0.0.7' is not a decision point", id="no port"),
        pytest.param(("grpc 10.0.0.7:0",), "'10.0.0.7:0'", id="port 0"),
        pytest.param(("grpc 10.0.0.7:70000",), "'10.0.0.7:70000'", id="port 70000"),
        pytest.param(("grpc unix:",), "'unix:'", id="no path"),
        pytest.param(("grpc https://a:1",), "'https://a:1'", id="url"),
        pytest.param(("grpc a:1 a:1",), "twice", id="twice"),
        pytest.param(("grpc a:1 {", "certificate c", "}"), "certificate takes two files", id="certificate without key"),
        pytest.param(("grpc a:1 {", "mode both", "}"), "both", id="mode"),
        pytest.param(("grpc a:1 {", "batch 0", "}"), "batch", id="batch 0"),
        pytest.param(("grpc a:1", "rego p"), "rego and grpc", id="two engines"),
        pytest.param(("grpc a:1", "grpc b:1"), "grpc", id="two lines"),
    ],
)
def test_what_cannot_be_is_said_with_its_place(tmp_path: Path, lines: tuple[str, ...], says: str) -> None:
    with pytest.raises(ConfigError, match=r"Corefile:[0-9]+:[0-9]+: ") as problem:
        read(tmp_path, *lines)
    assert says in str(problem.value)
