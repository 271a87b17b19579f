"""Arguments of builtins that the embedded engine reads otherwise than Open Policy Agent: patterns and layouts.

What is refused was found by asking both some 25,000 expressions; `tests/contract/test_same_builtins.py` asks again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from dnspolicy.engines.rego.tree import Call, Compound, Expr, Literal

Form = Callable[[Call], Iterator[tuple[Expr, str, str]]]
"""What is wrong with a call: where, what, and what to write instead."""

_VERB = re.compile(r"%(%|[^%a-zA-Z]*[a-zA-Z]?)")
_SAME_VERBS = re.compile(r"%|[vsd]|0?[1-9]\d*d|\.\d+f")
_CLASS = re.compile(r"\[(?:[A-Za-z0-9](?:-[A-Za-z0-9])?|_)+\]")
_DELIMITERS = re.compile(r"[!-~]")
_MANY = re.compile(r"(?<!\\)(?:[*+?}][*+]|\{(\d+)(?:,(\d*))?\})")
_OTHER_REGEX = re.compile(
    r"\\[QE<>hRKXu]|\[\[(?!:)|&&|~~|--|\(\?[a-zA-Z]*[xuR-][a-zA-Z-]*[:)]|\[[^\]]*\\[dwsDWS]-|(?<!\\)\{(?!\d+(?:,\d*)?\})"
)
_EDGE = re.compile(r"\\[bBzA]|[\^$]")
_SPLITS_NOTHING = "a pattern that matches the empty text is split at in another way"
_ZONE_NAMES = re.compile(r"MST|^(?:RFC1123|RFC822|RFC850|UnixDate)$")
_SECOND = re.compile(r"(?<![0-9])5(?![0-9])|[.,]9")


def differences(call: Call) -> Iterator[tuple[Expr, str, str]]:
    """Forms of a call that the two engines read differently, as far as they can be seen in the policy."""
    form = _FORMS.get(call.function)
    if form is not None:
        yield from form(call)


def _sprintf(call: Call) -> Iterator[tuple[Expr, str, str]]:
    template, values = call.arguments
    if not (isinstance(template, Literal) and isinstance(template.value, str)):
        yield template, "sprintf needs a constant template", "else a verb may be one that engines print differently"
        return
    verbs = [found[1] for found in _VERB.finditer(template.value)]
    for verb in verbs:
        if not _SAME_VERBS.fullmatch(verb):
            yield call, f"the embedded engine prints %{verb} otherwise than Open Policy Agent", "write %v"
    wanted = sum(verb != "%" for verb in verbs)
    if isinstance(values, Compound) and len(values.items) != wanted:
        yield call, f"sprintf has {len(values.items)} values for {wanted} verbs", "give one to each"


def _glob(call: Call) -> Iterator[tuple[Expr, str, str]]:
    pattern, delimiters, _ = call.arguments
    if isinstance(delimiters, Literal) and delimiters.value is None:
        yield (
            delimiters,
            "engines differ in patterns without delimiters",
            'name one, such as [":"], or write regex.match',
        )
    if isinstance(delimiters, Compound):
        for item in delimiters.items:
            if isinstance(item, Literal) and not _DELIMITERS.fullmatch(str(item.value)):
                yield item, "a delimiter is one character of ASCII", "write regex.match"
    if isinstance(pattern, Literal) and not glob_is_plain(str(pattern.value)):
        yield pattern, "the embedded engine reads this pattern otherwise than Open Policy Agent", "write regex.match"


def glob_is_plain(pattern: str) -> bool:
    """Whether a pattern is of those that all engines read alike.

    `*`, `**` between delimiters, classes of letters and digits, alternatives that are not empty, `\\` before a sign.
    """
    left = _CLASS.sub("x", re.sub(r"\\[^A-Za-z0-9]", "x", pattern))
    if re.search(r"[\[\]?\\]|\*\*\*|[^\W]\*\*|\*\*[\w{]|\}\*\*", left) or not left.isascii():
        return False
    return _braces_are_plain(left)


def _braces_are_plain(pattern: str) -> bool:
    depth = 0
    for at, sign in enumerate(pattern):
        depth += {"{": 1, "}": -1}.get(sign, 0)
        empty = sign in "{," and pattern[at + 1 : at + 2] in (",", "}", "") and depth > 0
        if depth not in (0, 1) or empty or (depth and pattern.startswith("**", at)):
            return False
    return depth == 0


def _regex(at: int) -> Form:
    def form(call: Call) -> Iterator[tuple[Expr, str, str]]:
        pattern = call.arguments[at]
        if not (isinstance(pattern, Literal) and isinstance(pattern.value, str)):
            return
        if not regex_is_plain(pattern.value):
            yield pattern, "the embedded engine reads this pattern otherwise than Open Policy Agent", "write it plainly"
        elif call.function == "regex.split" and _matches_nothing(pattern.value):
            yield pattern, _SPLITS_NOTHING, "write one that needs a character"

    return form


def regex_is_plain(pattern: str) -> bool:
    """Whether a pattern is of those that all engines read alike, for texts of ASCII."""
    plain = re.sub(r"\\[\\{}]", "x", pattern)
    if _OTHER_REGEX.search(plain):
        return False
    repeats = list(_MANY.finditer(re.sub(r"\\.", "x", plain)))
    return all(m[0][0] == "{" and max(int(m[1]), int(m[2] or 0)) <= 1000 for m in repeats)


def _matches_nothing(pattern: str) -> bool:
    """Whether it can match the empty text; also when that is not known."""
    pattern = re.sub(r"\[:\^?\w+:\]", "a", pattern)
    try:
        return bool(_EDGE.search(pattern)) or any(not found[0] for found in re.finditer(pattern, "aA0 .-_"))
    except re.error:
        return True


def _layout(call: Call) -> Iterator[tuple[Expr, str, str]]:
    given = call.arguments[0]
    if not (isinstance(given, Compound) and len(given.items) == 3):
        return
    layout = given.items[2]
    if not (isinstance(layout, Literal) and isinstance(layout.value, str)):
        yield layout, "time.format needs a constant layout", "else it may be one that engines read differently"
    elif not layout.value or not layout.value.isascii() or _ZONE_NAMES.search(layout.value):
        yield layout, "the embedded engine writes numbers for names of zones", "write -07:00 or RFC3339"
    elif _SECOND.search(layout.value):
        yield layout, "the embedded engine adds fractions of a second", "write 05 or 05.000"


def _date(call: Call) -> Iterator[tuple[Expr, str, str]]:
    _, years, months, _ = call.arguments
    for given in (years, months):
        if not (isinstance(given, Literal) and given.value == 0):
            yield given, "engines differ in what a month after the 31st is", "add days"


_FORMS: dict[str, Form] = {
    "sprintf": _sprintf,
    "glob.match": _glob,
    "regex.match": _regex(0),
    "regex.find_n": _regex(0),
    "regex.find_all_string_submatch_n": _regex(0),
    "regex.split": _regex(0),
    "regex.replace": _regex(1),
    "time.format": _layout,
    "time.add_date": _date,
}
