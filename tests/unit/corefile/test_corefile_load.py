from __future__ import annotations

from pathlib import Path

import pytest
from corefile_help import body, complaints_of, keys, load_text

from dnspolicy.corefile.complaints import Complaints
from dnspolicy.corefile.load import load
from dnspolicy.model.errors import ConfigError

KUBEADM = """\
.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30 {
       disable success cluster.local
       disable denial cluster.local
    }
    loop
    reload
    loadbalance
}
"""


def test_the_corefile_of_kubeadm(tmp_path: Path) -> None:
    corefile = load_text(tmp_path, KUBEADM)
    assert keys(corefile) == [["dns://.:53"]]
    assert body(corefile) == [
        ["errors"],
        ["health", [["lameduck", "5s"]]],
        ["ready"],
        [
            "kubernetes", "cluster.local", "in-addr.arpa", "ip6.arpa",
            [["pods", "insecure"], ["fallthrough", "in-addr.arpa", "ip6.arpa"], ["ttl", "30"]],
        ],
        ["prometheus", ":9153"],
        ["forward", ".", "/etc/resolv.conf", [["max_concurrent", "1000"]]],
        ["cache", "30", [["disable", "success", "cluster.local"], ["disable", "denial", "cluster.local"]]],
        ["loop"],
        ["reload"],
        ["loadbalance"],
    ]  # fmt: skip
    assert corefile.files == (tmp_path / "Corefile",)
    assert str(corefile.blocks[0].directives[3].words[1].at) == f"{tmp_path}/Corefile:7:30"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(". {\n}", [["dns://.:53"]], id="root, default port"),
        pytest.param(":1053 {\n}", [["dns://.:1053"]], id="port alone"),
        pytest.param("Example.ORG {\n}", [["dns://example.org.:53"]], id="lower case"),
        pytest.param("example.org. {\n}", [["dns://example.org.:53"]], id="final dot"),
        pytest.param("dns://a.test:5353 {\n}", [["dns://a.test.:5353"]], id="scheme"),
        pytest.param("a.test b.test:54 {\n}", [["dns://a.test.:53", "dns://b.test.:54"]], id="several keys"),
        pytest.param("a.test, b.test {\n}", [["dns://a.test.:53", "dns://b.test.:53"]], id="comma"),
        pytest.param("a.test,\nb.test {\n}", [["dns://a.test.:53", "dns://b.test.:53"]], id="comma and new line"),
        pytest.param("a.test\n{\n}", [["dns://a.test.:53"]], id="brace on its own line"),
        pytest.param("a.test {\n}\nb.test {\n}", [["dns://a.test.:53"], ["dns://b.test.:53"]], id="two blocks"),
        pytest.param(". {\n}\n.:54 {\n}", [["dns://.:53"], ["dns://.:54"]], id="one zone, two ports"),
        pytest.param("10.0.0.0/8 {\n}", [["dns://10.in-addr.arpa.:53"]], id="network"),
        pytest.param(
            "10.1.2.0/23:54 {\n}", [["dns://2.1.10.in-addr.arpa.:54", "dns://3.1.10.in-addr.arpa.:54"]], id="widened"
        ),
        pytest.param("2001:db8::/32 {\n}", [["dns://8.b.d.0.1.0.0.2.ip6.arpa.:53"]], id="IPv6 network"),
        pytest.param("2001:db8::/32:54 {\n}", [["dns://8.b.d.0.1.0.0.2.ip6.arpa.:54"]], id="IPv6 network and port"),
        pytest.param(
            ". {\n view a\n}\n. {\n view b\n}\n. {\n}", [["dns://.:53"]] * 3, id="same zone told apart by view"
        ),
        pytest.param(
            ". {\n bind 127.0.0.1\n}\n. {\n bind 127.0.0.2\n}", [["dns://.:53"]] * 2, id="same zone on other addresses"
        ),
    ],
)
def test_keys(tmp_path: Path, text: str, expected: list[list[str]]) -> None:
    assert keys(load_text(tmp_path, text)) == expected


def test_default_port_can_be_given(tmp_path: Path) -> None:
    path = tmp_path / "Corefile"
    path.write_text(". a.test:54 {\n}\n")
    assert keys(load(path, {}, default_port=1053)) == [["dns://.:1053", "dns://a.test.:54"]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            ". {\n health { lameduck 5s }\n ready\n}", [["health", [["lameduck", "5s"]]], ["ready"]], id="one line"
        ),
        pytest.param(". {\n health {\n }\n}", [["health"]], id="empty block"),
        pytest.param('. {\n log . "a b {c}"\n}', [["log", ".", "a b {c}"]], id="quotes"),
        pytest.param(". { # x\n errors # y\n # z\n}", [["errors"]], id="comments"),
        pytest.param(
            ". {\n forward . 192.0.2.1 \\\n  192.0.2.2\n}", [["forward", ".", "192.0.2.1", "192.0.2.2"]], id="continued"
        ),
        pytest.param("\ufeff. {\r\n\terrors\r\n}\r\n", [["errors"]], id="BOM, tabs and CRLF"),
        pytest.param(". {\n a {\n  b {\n   c d\n  }\n }\n}", [["a", [["b", [["c", "d"]]]]]], id="nested"),
        pytest.param(
            ". {\n template IN A dyn.test {\n"
            '  match "^ip-(?P<a>[0-9]+)[.]dyn[.]test[.]$"\n  answer "{{ .Name }} 60 IN A {{ .Group.a }}"\n }\n}',
            [
                [
                    "template",
                    "IN",
                    "A",
                    "dyn.test",
                    [["match", "^ip-(?P<a>[0-9]+)[.]dyn[.]test[.]$"], ["answer", "{{ .Name }} 60 IN A {{ .Group.a }}"]],
                ]
            ],
            id="braces in quotes",
        ),
        pytest.param(
            ". {\n rewrite name regex (.*)\\.auto\\.test {1}.lab.test answer auto\n}",
            [["rewrite", "name", "regex", "(.*)\\.auto\\.test", "{1}.lab.test", "answer", "auto"]],
            id="braces within a word",
        ),
    ],
)
def test_directives(tmp_path: Path, text: str, expected: list[object]) -> None:
    assert body(load_text(tmp_path, text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", ['Corefile:1:1: there is no server block; expected one such as ".:53 { … }"'], id="empty"),
        pytest.param(
            "# only\n",
            ['Corefile:1:1: there is no server block; expected one such as ".:53 { … }"'],
            id="comments only",
        ),
        pytest.param(". {\n errors\n", ['Corefile:1:3: this "{" is never closed; expected "}"'], id="never closed"),
        pytest.param(". {\n}\n}\n", ['Corefile:3:1: "}" closes nothing; expected a "{" before it'], id="closed twice"),
        pytest.param(
            ".:53\nerrors\n",
            [
                'Corefile:1:1: ".:53" has no block; expected "{" after the keys of a server',
                'Corefile:2:1: "errors" has no block; expected "{" after the keys of a server',
            ],
            id="no braces",
        ),
        pytest.param(
            ". {\n health\n {\n  lameduck 5s\n }\n}",
            ['Corefile:3:2: "{" opens nothing; expected it at the end of the line of its directive'],
            id="brace of a directive on the next line",
        ),
        pytest.param(
            ".:53{\n errors\n}\n",
            [
                'Corefile:1:1: ".:53{" has no block; expected "{" after the keys of a server',
                'Corefile:2:2: "errors" has no block; expected "{" after the keys of a server',
                'Corefile:3:1: "}" closes nothing; expected a "{" before it',
            ],
            id="no blank before the brace",
        ),
        pytest.param(
            ". {\n}\nexample.org .:53 {\n}\n",
            ["Corefile:3:13: dns://.:53 is served twice; first at Corefile:1:1; expected each zone and port once"],
            id="two blocks for one zone",
        ),
        pytest.param(
            "a.test A.test. {\n}\n",
            ["Corefile:1:8: dns://a.test.:53 is served twice; first at Corefile:1:1; expected each zone and port once"],
            id="one key twice",
        ),
        pytest.param(
            ". {\n bind 127.0.0.1\n}\n. {\n}\n",
            ["Corefile:4:1: dns://.:53 is served twice; first at Corefile:1:1; expected each zone and port once"],
            id="bound and everywhere",
        ),
        pytest.param(
            "a..test {\n}",
            [
                'Corefile:1:1: "a..test" is not a key: a label must have 1 to 63 bytes; '
                "expected a zone such as example.org, example.org:53 or 10.0.0.0/8"
            ],
            id="not a name",
        ),
        pytest.param(
            "a.test,b.test {\n}",
            [
                "Corefile:1:1: \"a.test,b.test\" is not a key: ',' does not belong into a zone; "
                "expected a blank after the comma"
            ],
            id="comma without a blank",
        ),
        pytest.param(
            "a.test, {\n}",
            ["Corefile:1:1: no key follows the comma; expected another key, or no comma"],
            id="comma at the end",
        ),
        pytest.param(
            "10.0.0.0/33 {\n}",
            [
                'Corefile:1:1: "10.0.0.0/33" is not a key: not a network; '
                "expected a zone such as example.org, example.org:53 or 10.0.0.0/8"
            ],
            id="not a network",
        ),
        pytest.param(
            ".:65536 {\n}", ['Corefile:1:1: port 65536 of ".:65536" is out of range; expected 0 to 65535'], id="port"
        ),
        pytest.param(
            "tls://. {\n}",
            ['Corefile:1:1: transport "tls" is not supported; expected dns://; did you mean "dns://"?'],
            id="scheme",
        ),
        pytest.param(
            '"" {\n}', ["Corefile:1:1: a key is empty; expected a zone, such as . or example.org:53"], id="empty key"
        ),
        pytest.param(". {\n log \0\n}", ["Corefile:2:6: control character U+0000; expected plain text"], id="NUL"),
        pytest.param(
            b". {\n log \xff\n}", ["Corefile:2:6: byte 0xff is not UTF-8; expected text in UTF-8"], id="not UTF-8"
        ),
        pytest.param(
            ". {\n" + "a {\n" * 50_000, ["Corefile:17:3: braces are nested more than 16 deep"], id="very deep"
        ),
        pytest.param(
            "#" * 10_000_000, ['Corefile:1:1: "Corefile" is too large; expected at most 1048576 bytes'], id="10 MB"
        ),
    ],
)
def test_complaints(tmp_path: Path, text: str | bytes, expected: list[str]) -> None:
    assert complaints_of(tmp_path, text) == expected


def test_all_complaints_come_at_once_in_order(tmp_path: Path) -> None:
    text = "tls://a.test {\n log {$NOPE}\n import gone\n}\nb..test {\n}\n}\n"
    places = [line.split(" ")[0] for line in complaints_of(tmp_path, text)]
    assert places == ["Corefile:1:1:", "Corefile:2:6:", "Corefile:3:9:", "Corefile:5:1:", "Corefile:7:1:"]


def test_complaints_are_bounded(tmp_path: Path) -> None:
    lines = complaints_of(tmp_path, "}\n" * 5_000)
    assert len(lines) == 101
    assert lines[-1] == "and 4900 more"


def test_complaints_given_are_filled_and_what_is_good_is_returned(tmp_path: Path) -> None:
    path = tmp_path / "Corefile"
    path.write_text("a.test {\n errors\n}\nb..test {\n}\n")
    complaints = Complaints()
    assert keys(load(path, {}, complaints=complaints)) == [["dns://a.test.:53"]]
    assert len(complaints) == 1


def test_control_characters_never_come_back_raw(tmp_path: Path) -> None:
    (line,) = complaints_of(tmp_path, "a\u202eb\u200b.test {\n}")
    assert line.isprintable()


@pytest.mark.parametrize("name", ["missing", "."], ids=["missing", "a folder"])
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"cannot read .*No such file|is not a regular file"):
        load(tmp_path / name, {})


def test_keys_are_bounded(tmp_path: Path) -> None:
    lines = complaints_of(tmp_path, "0.0.0.0/1 " * 1_000 + "{\n}\n")
    assert "Corefile:1:1: 10000 keys or more of one block; expected fewer" in lines
