"""The part of Go's text/template that templates are written in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnspolicy.plugins.template.lexer import BadTemplate
from dnspolicy.plugins.template.parser import parse
from dnspolicy.plugins.template.values import Failed

FIELDS = {
    "Name": (), "Type": (), "Remote": (), "Match": (), "Group": None, "Question": ("Name", "Qtype"), "Var": ("n",),
    "Meta": (),
}  # fmt: skip


class Data:
    """Values as a query gives them."""

    def field(self, name: str) -> Any:
        return {
            "Name": "web.example.", "Type": "A", "Remote": "10.0.0.1", "Match": ("web.example.", "web"),
            "Group": {"a": "10", "b": "ff", "e": ""}, "Question": {"Name": "Web.example.", "Qtype": 1}, "Var": {"n": 7},
        }[name]  # fmt: skip

    def describe(self, label: str) -> str:
        return f"<{label}>"


def render(text: str) -> str:
    return parse(text, FIELDS).render(Data())


@pytest.mark.parametrize(
    ("text", "made"),
    [
        pytest.param("plain", "plain", id="no-action"),
        pytest.param("{{ .Name }} {{.Type}}", "web.example. A", id="fields"),
        pytest.param("{{ .Group.a }}{{ .Question.Qtype }}{{ .Var.n }}", "1017", id="below"),
        pytest.param("{{ .Group.zz }}", "<no value>", id="no-such-group"),
        pytest.param("{{ index .Match 1 }}{{ index .Group `b` }}", "webff", id="index"),
        pytest.param('{{ .Meta "a/b" }}', "<a/b>", id="metadata"),
        pytest.param("{{ parseInt .Group.b 16 8 }}", "255", id="parse-int"),
        pytest.param("{{ parseInt `0x1f` 0 64 }}", "31", id="parse-int-with-a-prefix"),
        pytest.param("{{ parseInt `010` 0 64 }}", "8", id="parse-int-octal-as-in-c"),
        pytest.param("{{ parseInt `0b1` 16 64 }}", "177", id="parse-int-digits-that-look-like-a-prefix"),
        pytest.param("a {{- ` b ` -}} c", "a b c", id="trimmed"),
        pytest.param("a{{/* no */}}b {{- /* no */ -}} c", "abc", id="comments"),
        pytest.param("{{ if eq .Type `A` }}yes{{ else }}no{{ end }}", "yes", id="if"),
        pytest.param("{{ if .Group.e }}1{{ else if .Name }}2{{ else }}3{{ end }}", "2", id="else-if"),
        pytest.param("{{ with .Group.a }}{{ . }}-{{ $.Name }}{{ end }}", "10-web.example.", id="with"),
        pytest.param("{{ with .Group.e }}1{{ else with .Group.a }}{{ . }}{{ end }}", "10", id="else-with"),
        pytest.param("{{ with $x := .Group.a }}{{ $x }}{{ end }}", "10", id="with-variable"),
        pytest.param("{{ range .Match }}<{{ . }}>{{ end }}", "<web.example.><web>", id="range"),
        pytest.param("{{ range $i, $m := .Match }}{{ $i }}{{ $m }} {{ end }}", "0web.example. 1web ", id="range-pairs"),
        pytest.param("{{ range $v := .Match }}{{ len $v }},{{ end }}", "12,3,", id="range-variable"),
        pytest.param("{{ range .Group }}{{ . }};{{ end }}", "10;ff;;", id="range-of-a-map-in-order"),
        pytest.param("{{ range slice .Match 2 }}x{{ else }}none{{ end }}", "none", id="range-of-nothing"),
        pytest.param("{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}", "2", id="assignment"),
        pytest.param("{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ end }}{{ $x }}", "1", id="scope"),
        pytest.param("{{ .Group.a | printf `%s-%s` `x` }}", "x-10", id="pipe"),
        pytest.param("{{ printf `%d` (len .Name) | len }}", "2", id="brackets"),
        pytest.param("{{ (index .Match 0) | len }}", "12", id="brackets-first"),
        pytest.param("{{ and 1 0 2 }}{{ or 0 `` 3 }}{{ not 0 }}", "03true", id="logic"),
        pytest.param("{{ if and (eq 1 1) (ne 1 2) (lt 1 2) (le 2 2) (gt 2 1) (ge 2 2) }}ok{{ end }}", "ok", id="order"),
        pytest.param("{{ eq .Type `B` `A` }}", "true", id="eq-of-several"),
        pytest.param("{{ print 1 2 `a` 3 }}", "1 2a3", id="print"),
        pytest.param("{{ printf `%05d|%-4s|%4s|%x|%X|%o|%b|%c|%t|%v|%q` 42 `a` `b` 255 255 8 5 65 true .Match `q`}}",
                     '00042|a   |   b|ff|FF|10|101|A|true|[web.example. web]|"q"', id="printf"),
        pytest.param("{{ printf `%d %s` 1 }}{{ printf `x` 1 }}{{ printf `%d` `a` }}",
                     "1 %!s(MISSING)x%!(EXTRA int=1)%!d(string=a)", id="printf-that-does-not-fit"),
        pytest.param("{{ slice .Name 0 3 }}{{ 'a' }}{{ 0x10 }}{{ -1 }}{{ true }}", "web9716-1true", id="constants"),
        pytest.param(r'{{ "a\"\x41\n}}" }}', 'a"A\n}}', id="escapes"),
        pytest.param("{{ .Match }}{{ .Question }}", "[web.example. web]map[Name:Web.example. Qtype:1]", id="lists"),
        pytest.param("{{ println .Type }}", "A\n", id="println"),
    ],
)  # fmt: skip
def test_what_is_made(text: str, made: str) -> None:
    assert render(text) == made


@pytest.mark.parametrize(
    ("text", "at", "why"),
    [
        pytest.param("{{ .Name", 1, "has no }}", id="never-closed"),
        pytest.param("x{{ end }}", 4, "without a beginning", id="end-alone"),
        pytest.param("{{ if .Name }}", 7, "no end", id="no-end"),
        pytest.param("{{ if .Name }}{{ else }}{{ else }}{{ end }}", 17, "no end", id="two-elses"),
        pytest.param("{{ .Foo }}", 4, ".Foo is not known; known are .Name", id="no-field"),
        pytest.param("{{ .Question.Foo }}", 4, "known are Name, Qtype", id="no-field-below"),
        pytest.param("{{ .Var.x }}", 4, "known are n", id="no-variable-of-the-template"),
        pytest.param("{{ . }}", 4, "no value", id="all-of-the-data"),
        pytest.param("{{ $x := $ }}", 10, "no value", id="all-of-the-data-as-a-variable"),
        pytest.param("{{ html .Name }}", 4, "html is not known", id="no-function"),
        pytest.param("{{ template `x` }}", 4, "template is not known", id="no-templates"),
        pytest.param("{{ $y }}", 4, "$y is not declared", id="no-variable"),
        pytest.param("{{ len }}", 4, "0 arguments", id="too-few-arguments"),
        pytest.param("{{ len 1 2 }}", 4, "2 arguments", id="too-many-arguments"),
        pytest.param("{{ .Name 1 }}", 4, "only functions", id="arguments-of-a-field"),
        pytest.param("{{ .Meta }}", 4, ".Meta takes a label", id="metadata-without-a-label"),
        pytest.param("{{ .Meta .Name }}", 4, ".Meta takes a label", id="metadata-with-a-label-of-the-client"),
        pytest.param("{{ 1.5 }}", 4, "only functions", id="floating-number"),
        pytest.param("{{ }}", 3, "value is missing", id="empty"),
        pytest.param("{{ .Name | }}", 10, "value is missing", id="nothing-behind-a-pipe"),
        pytest.param("{{ (len .Name }}", 9, ") is missing", id="open-bracket"),
        pytest.param('{{ "\\y" }}', 4, "no escape", id="bad-escape"),
        pytest.param("{{ # }}", 4, "no meaning", id="odd-letter"),
        pytest.param("{{ if 1 }}" * 40 + "{{ end }}" * 40, 1, "too deep", id="too-deep"),
    ],
)
def test_what_is_refused(text: str, at: int, why: str) -> None:
    with pytest.raises(BadTemplate) as refused:
        parse(text, FIELDS)
    assert str(refused.value).startswith(f"character {at}: ")
    assert why in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{{ index .Match 7 }}", id="index-out-of-range"),
        pytest.param("{{ slice .Name 5 99 }}", id="slice-out-of-range"),
        pytest.param("{{ parseInt `gg` 16 8 }}", id="no-number"),
        pytest.param("{{ parseInt `0x1f` 16 64 }}", id="a-prefix-of-a-base-that-is-said"),
        pytest.param("{{ parseInt `08` 0 64 }}", id="no-octal-number"),
        pytest.param("{{ parseInt `256` 10 8 }}", id="too-many-bits"),
        pytest.param("{{ parseInt `-1` 10 8 }}", id="negative"),
        pytest.param("{{ eq 1 `1` }}", id="unlike"),
        pytest.param("{{ lt true false }}", id="no-order"),
        pytest.param("{{ range 3 }}x{{ end }}", id="range-over-a-number"),
        pytest.param("{{ range .Match }}{{ .Remote }}{{ end }}", id="field-of-a-text"),
        pytest.param("{{ printf `%999999d` 1 }}", id="printf-too-wide"),
        pytest.param(f"{{{{ $x := `{'a' * 4000}` }}}}" + "{{ $x }}" * 20, id="too-much-text"),
    ],
)
def test_what_fails_when_it_runs(text: str) -> None:
    with pytest.raises(Failed):
        render(text)


def test_what_a_template_reads_is_known() -> None:
    made = parse("{{ if .Name }}{{ with .Remote }}{{ $.Group.a }}{{ end }}{{ end }}{{ .Meta `a/b` }}", FIELDS)
    assert made.fields == {("Name",), ("Remote",), ("Group", "a")}
    assert made.labels == {"a/b"}


PIECE = st.sampled_from(
    ["{{ ", " }}", "{{- ", " -}}", "if ", "else ", "end ", "range ", "with ", ".Name ", ".Match ", "$x ", ":= ", "| ",
     "(", ")", "printf ", '"%s" ', "index ", "1 ", "len ", "eq ", "text", ".", "$", "`", '"', "/* ", " */", ","]
)  # fmt: skip


@given(st.lists(PIECE | st.text(max_size=6), max_size=20).map("".join))
def test_any_text_is_a_template_or_a_complaint(text: str) -> None:
    try:
        made = parse(text, FIELDS)
    except BadTemplate:
        return
    try:
        made.render(Data())
    except Failed:
        return
