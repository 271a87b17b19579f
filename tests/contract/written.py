"""Policies by chance: rules of every kind over facts that may be missing. A seed gives the same ones."""

from __future__ import annotations

from random import Random

PATHS = (
    "input.query.name", "input.query.type", "input.client.kind", "input.client.ip", "input.client.namespace",
    "input.client.pod", "input.client.labels.app", 'input.client.labels["dns.example/tenant"]', "input.client.node",
    "input.client.service_account", "input.client.owner.kind", "input.target.kind", "input.target.namespace",
    "input.target.name", 'input.target.labels["app.kubernetes.io/version"]', "input.answer.rcode", "input.nothing.here",
    "input.query.labels[0]", "input.query.suffixes[1]", "input.target.endpoints[0].pod", "input.answer.names[1]",
    'object.get(input.client, "zone", "none")', 'object.get(input, ["client", "labels", "track"], "none")',
    'object.get(input, ["target", "endpoints", 0, "ip"], "none")', "data.table.words.b",
    "data.table.owner[input.client.namespace]",
)  # fmt: skip
LISTS = (
    "input.query.labels", "input.query.suffixes", "object.get(input.target, \"endpoints\", [])",
    'object.get(input, ["answer", "names"], [])', 'object.get(input, ["answer", "addresses"], [])', "data.table.list",
    "object.keys(input.client)", 'object.get(input.client, "labels", {})', "split(input.query.name, \".\")", "names",
    "sort([kind, input.query.name])", "array.concat(input.query.labels, data.table.list)", "lengths",
)  # fmt: skip
WORDS = ('"shop"', '"web"', '"a"', '"pod"', '"db"', '"none"', '""', '"1.4.2"', '"local"', '"example"', '"acorn"')
PATTERNS = ("^[a-z]+$", "o", "(?i)SHOP", r"[0-9]+", "^(db|api)\\\\.", "\\\\w-\\\\d", "a.*e", "[^a-z.]", "(e|x){1,2}")
GLOBS = ("*", "*.example.com", "**.example", "db.*.svc.**", "{db,api}.**", "[a-d]*.**", "*-[0-9]")
PREFIXES = ("10.0.0.0/8", "10.244.0.0/16", "192.0.2.0/24", "2001:db8::/32", "0.0.0.0/0", "fd00::/8")


class Written:
    """One policy: `decision`, and helpers that its conditions use."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._fresh = 0

    def policy(self, package: str) -> str:
        rules = [f"package {package}", *self._helpers(), self._decision()]
        return "\n\n".join(rules) + "\n"

    def _helpers(self) -> list[str]:
        one = self._random.choice
        first, second = self._conditions(), self._conditions()
        return [
            f"default mark := {one(WORDS)}\n\nmark := text if {{ {self._conditions()}; text := {self._text()} }}",
            f'kind := "first" if {{ {first} }} else := "second" if {{ {second} }} else := "last"',
            f"open if {{ {self._conditions()} }}\n\nopen if {{ {self._conditions()} }}",
            f"names contains name if {{ some name in {one(LISTS[:3])}; {self._about('name')} }}",
            f"names contains {one(WORDS)}",
            f"lengths[word] := size if {{ some word in {one(LISTS[:2])}; size := count(word) }}",
            f"matches(value) if {{ {self._about('value')} }}\n\nmatches(value) if {{ {self._about('value')} }}",
            f"shown(value) := lower(value) if {{ is_string(value) }} else := {one(WORDS)}",
            f"default weight(_) := {one((0, 7))}",
            f"weight(value) := count(value) * {one((2, 3))} if {{ {self._about('value')} }}",
        ]

    def _decision(self) -> str:
        act = self._random.choice
        text = f'decision := {{"action": "block", "rule": "first", "reason": text}} if {{ {self._conditions()}; '
        text += f'text := sprintf("%s %v", [shown({self._path()}), {self._number()}]) }}'
        for number in range(self._random.randrange(1, 4)):
            more = act(('"allow"', '"block", "as": "nxdomain"', '"block", "as": "refused", "ttl": 30'))
            rule = f'sprintf("r{number}/%s", [{act(("mark", "kind"))}])'
            value = f'{{"action": {more}, "rule": {rule}, "reason": {act(WORDS)}}}'
            text += f" else := {value} if {{ {self._conditions()} }}"
        return text + act(("", ' else := {"action": "allow", "rule": kind, "reason": mark}', " else := mark"))

    def _conditions(self) -> str:
        return "; ".join(self._condition() for _ in range(self._random.randrange(1, 3)))

    def _condition(self) -> str:
        one = self._random.choice
        self._fresh += 1
        v = f"v{self._fresh}"
        return one((
            lambda: f"{self._path()} {one(('==', '!=', '<', '>='))} {one(WORDS)}",
            lambda: f"{self._path()} == {self._path()}",
            lambda: f"{self._path()} in {{{one(WORDS)}, {one(WORDS)}}}",
            lambda: f"{one(WORDS)} in {one(LISTS[:9])}",
            lambda: f"not {self._path()}",
            lambda: f"not {self._path()} == {one(WORDS)}",
            lambda: f"{v} := {self._path()}; not {v} in {one(LISTS[:2])}",
            lambda: f"{v} := {self._path()}; not data.table.words[{v}]",
            lambda: f"some {v} in {one(LISTS[:9])}; {self._about(v)}",
            lambda: f"every {v} in {one(LISTS[:9])} {{ {self._about(v)} }}",
            lambda: f"{v} := {self._path()}; {self._about(v)}",
            lambda: (
                f"count([{v} | some {v} in {one(LISTS[:9])}; {self._about(v)}]) {one(('>', '==', '<='))} {one((0, 1))}"
            ),
            lambda: f"{{{v} | some {v} in {one(LISTS[:3])}}} & {{{one(WORDS)}, {one(WORDS)}}} != set()",
            lambda: f"{{{v}: 1 | some {v} in {one(LISTS[:2])}}}[{one(WORDS)}] == 1",
            lambda: f"net.cidr_contains({one(PREFIXES)!r}, input.client.ip)".replace("'", '"'),
            lambda: f"input.client.{one(('bucket', 'hash'))} % {one((2, 3, 10))} {one(('<', '=='))} {one((1, 2))}",
            lambda: f"time.now_ns() > {one((0, 4000000000000000000))}",
            lambda: f"{self._number()} {one(('<', '==', '>'))} {self._number()}",
            lambda: f"object.union(input.client, {{\"pod\": {one(WORDS)}}}).pod == {one(WORDS)}",
            lambda: f"[{v}a, {v}b] := [{self._path()}, {self._path()}]; {v}a != {v}b",
        ))()  # fmt: skip

    def _about(self, value: str) -> str:
        """Whether something holds of a text; never an error, whatever the value."""
        one = self._random.choice
        told = one((
            f"startswith({value}, {one(WORDS)})",
            f"contains({value}, {one(WORDS)})",
            f"endswith({value}, {one(WORDS)})",
            f'regex.match("{one(PATTERNS)}", {value})',
            f'glob.match("{one(GLOBS)}", ["."], {value})',
            f"count({value}) > {one((2, 4))}",
            f"lower({value}) == {value}",
            f'trim_prefix({value}, "d") != {value}',
            f'indexof({value}, "e") > {one((0, 3))}',
            f'substring({value}, 0, {one((1, 2))}) in {{"d", "do", "w", "e"}}',
            f'concat("-", [{value}, {one(WORDS)}]) > "e"',
            f'replace({value}, "a", "") < "k"',
            f'strings.reverse({value}) < "m"',
        ))  # fmt: skip
        return f"is_string({value}); {told}"

    def _text(self) -> str:
        one = self._random.choice
        path = self._path()
        return one((path, f'concat("/", [{path}, {one(WORDS)}])', f"shown({path})", f'sprintf("%v", [{path}])',
                    f'trim(json.marshal({path}), "\\"")', f"max([{one(WORDS)}, {path}])"))  # fmt: skip

    def _number(self) -> str:
        one = self._random.choice
        return one(("input.client.bucket", f"count({one(LISTS[:9])})", f"{one((0, 1, 5))}", "count(input.query.name)",
                    "sum([1, input.client.bucket])", "floor(input.client.bucket / 7)", "max({3, input.client.bucket})",
                    "abs(input.client.bucket - 50)",
                    "round(input.client.bucket / 3)"))  # fmt: skip

    def _path(self) -> str:
        return self._random.choice(PATHS)
