"""A bad and a good example for every rule of the linter."""

from __future__ import annotations

import json

from dnspolicy.engines.rego.lint import Check

ALLOW = '{"action": "allow", "rule": "site/x", "reason": "why"}'
REDIRECT = '{"action": "redirect", "upstream": "192.0.2.1", "rule": "site/x", "reason": "why"}'
Files = dict[str, str]


def decides(condition: str, decision: str = ALLOW) -> Files:
    """A policy with one decision under some conditions."""
    return {"policy.rego": f"decision := {decision} if {{\n{condition}\n}}\n"}


BAD: dict[str, tuple[Check, Files, str]] = {
    "no reason": (
        Check.BAD_DECISION,
        {"policy.rego": 'decision := {"action": "block", "rule": "site/x"} if input.query.name == "x"\n'},
        "2:13: the decision has no reason: it is refused, and the query fails; say why",
    ),
    "no rule": (
        Check.BAD_DECISION,
        {"policy.rego": 'decision := verdict if { verdict := {"action": "block", "reason": "x"} }\n'},
        "2:37: the decision has no rule",
    ),
    "no tier": (
        Check.BAD_DECISION,
        {"policy.rego": f"candidates contains c if {{ c := {ALLOW} }}\n"},
        "2:33: the decision has no tier",
    ),
    "unknown tier": (
        Check.BAD_DECISION,
        {"policy.rego": f'candidates contains c if {{ c := {ALLOW[:-1]}, "tier": "tennant"}} }}\n'},
        "no tier is called 'tennant'; admin, tenant, default",
    ),
    "of another package": (
        Check.BAD_DECISION,
        {
            "policy.rego": "import data.site\ncandidates contains c if c := site.verdict\n",
            "site.rego": 'package site\nverdict := {"tier": "admin", "action": "block", "rule": "site/x"}\n',
        },
        "site.rego:2:12: the decision has no reason",
    ),
    "of a function": (
        Check.BAD_DECISION,
        {"policy.rego": 'decision := no("x")\nno(rule) := {"action": "block", "rule": rule}\n'},
        "3:13: the decision has no reason",
    ),
    "unknown action": (
        Check.BAD_DECISION,
        {"policy.rego": 'decision := {"action": "deny", "rule": "x", "reason": "y"}\n'},
        "no action is called 'deny'; allow, block, rewrite or redirect",
    ),
    "unknown key": (
        Check.BAD_DECISION,
        {"policy.rego": f'decision := {ALLOW[:-1]}, "tll": 5}}\n'},
        "allow has no key tll; did you mean ttl?",
    ),
    "empty reason": (
        Check.BAD_DECISION,
        {"policy.rego": 'decision := {"action": "allow", "rule": "x", "reason": ""}\n'},
        "reason is empty",
    ),
    "rewrite to nothing": (
        Check.BAD_DECISION,
        {"policy.rego": 'decision := {"action": "rewrite", "rule": "x", "reason": "y"}\n'},
        "the decision has no name",
    ),
    "phase for nothing": (
        Check.BOTH_PHASES,
        decides('input.phase == "query"'),
        "3:1: the phase is read though no rule reads the answer",
    ),
    "not of an answer": (
        Check.BOTH_PHASES,
        decides('not input.answer.rcode == "NOERROR"'),
        "3:1: this holds in the query phase too",
    ),
    "counted of an answer": (
        Check.BOTH_PHASES,
        decides("count([a | some a in input.answer.addresses]) == 0"),
        "3:1: this holds in the query phase too",
    ),
    "ip": (
        Check.CLASS_PER_CLIENT,
        decides('net.cidr_contains("10.0.0.0/8", input.client.ip)'),
        "input.client.ip is read",
    ),
    "pod": (Check.CLASS_PER_CLIENT, decides('input.client.pod == "web-0"'), "every pod is a class of its own"),
    "hash": (Check.CLASS_PER_CLIENT, decides("input.client.hash % 2 == 0"), "every pod is a class of its own"),
    "bucket": (
        Check.CLASS_PER_CLIENT,
        decides("c := input.client\nc.bucket < 5"),
        "4:1: input.client.bucket is read: clients are up to 100 times as many classes",
    ),
    "default on a reference": (
        Check.ENGINE_DIFFERENCE,
        {"policy.rego": f"default a.b := 1\ndecision := {ALLOW}\n"},
        "2:1: a default on a reference is ignored by the embedded engine",
    ),
    "unknown function": (
        Check.ENGINE_DIFFERENCE,
        decides('crypto.sha256(input.query.name) == "x"'),
        "3:1: crypto.sha256 may not be called: the embedded engine does not have it",
    ),
    "metadata that are none": (
        Check.ENGINE_DIFFERENCE,
        {"policy.rego": "# METADATA\n# title: one: two\npackage dnspolicy\n"},
        "1:1: this METADATA is no YAML object, and Open Policy Agent refuses the file",
    ),
    "ignored for no reason": (
        Check.IGNORE,
        decides('input.client.pod == "x" # dnspolicy-lint: ignore class-per-client'),
        "3:25: why is class-per-client to be ignored?",
    ),
    "ignored in vain": (
        Check.IGNORE,
        decides("# dnspolicy-lint: ignore class-per-client a few pods\ninput.client.zone"),
        "3:1: class-per-client finds nothing here any more",
    ),
    "ignored by a wrong name": (
        Check.IGNORE,
        decides("# dnspolicy-lint: ignore class-per-pod a few pods\ninput.client.zone"),
        "no rule of the linter is called class-per-pod",
    ),
    "every entry compared": (
        Check.LINEAR_SCAN,
        decides("some name in data.site.names\nendswith(input.query.name, name)"),
        "3:14: all entries of data.site.names, however many, are compared with a text",
    ),
    "every key compared": (
        Check.LINEAR_SCAN,
        decides("some name\ndata.site.names[name]\nendswith(input.query.name, name)"),
        "4:1: all entries of data.site.names, however many",
    ),
    "every entry by any name": (
        Check.LINEAR_SCAN,
        decides("regex.match(data.site.names[_], input.query.name)"),
        "3:13: all entries of data.site.names, however many",
    ),
    "any suffix of a list": (
        Check.LINEAR_SCAN,
        decides("strings.any_suffix_match(input.query.name, data.site.names)"),
        "3:44: all entries of data.site.names, however many, are compared",
    ),
    "one of a list": (
        Check.LINEAR_SCAN,
        decides("input.query.name in data.site.names"),
        "3:21: all entries of data.site.names, however many, are compared",
    ),
    "a large table": (
        Check.LINEAR_SCAN,
        {
            **decides("some name, _ in data.site.names\nname == input.query.name"),
            "sample/data.json": json.dumps({"site": {"names": dict.fromkeys(map(str, range(101)), 1)}}),
        },
        "3:17: all 101 entries of data.site.names are gone through",
    ),
    "an array in a comprehension": (
        Check.LINEAR_SCAN,
        {
            **decides("count([1 | data.site.names[_] == input.query.name]) > 0"),
            "site/data.json": json.dumps({"names": list(map(str, range(200)))}),
        },
        "3:12: all 200 entries",
    ),
    "no title": (Check.MISSING_METADATA, decides("input.client.zone"), "1:1: package dnspolicy has no title"),
    "no tests": (Check.MISSING_TEST, decides("input.client.zone"), "1:1: there are no tests"),
    "no test of a rule": (
        Check.MISSING_TEST,
        {**decides("input.client.zone"), "x_test.rego": "package x_test\ntest_nothing if true\n"},
        "2:13: no test names the rule site/x",
    ),
    "two values": (
        Check.NEVER_FIRES,
        decides('input.query.type == "A"\ninput.query.type == "AAAA"'),
        "4:1: never true together with line 3: both are about input.query.type; write two rules",
    ),
    "value not in the list": (
        Check.NEVER_FIRES,
        decides('q := input.query\nq.type in {"A", "AAAA"}\n"TXT" == q.type'),
        "5:2: never true together with line 4",
    ),
    "false": (Check.NEVER_FIRES, decides("false"), "3:1: this is never true"),
    "one is two": (Check.NEVER_FIRES, decides("1 == 2"), "3:1: this is never true"),
    "redirect of answers": (
        Check.RESPONSE_PHASE,
        {"policy.rego": f'decision := {REDIRECT} if input.query.name == "x"\nother if input.answer.rcode\n'},
        "2:13: the answer of the upstream is redirected there again, until it fails",
    ),
    "rewrite of answers": (
        Check.RESPONSE_PHASE,
        {
            "policy.rego": 'decision := {"action": "rewrite", "name": "a.b", "rule": "x", "reason": "y"} if {\n'
            'input.query.name == "x"\n}\nother if input.answer.rcode\n'
        },
        "2:13: a rewrite in the response phase is an error",
    ),
    "clock": (
        Check.UNCACHEABLE,
        decides("time.now_ns() > 5"),
        "3:1: the clock is read, so a decision is remembered only for its ttl, and 1 have none",
    ),
    "network": (
        Check.UNCACHEABLE,
        decides('http.send({"url": "http://x.example"}).status_code == 200'),
        "3:1: http.send depends on the network",
    ),
    "chance": (Check.UNCACHEABLE, decides('rand.intn("x", 2) == 1'), "3:1: rand.intn depends on chance"),
    "misspelt key": (
        Check.UNKNOWN_INPUT,
        decides('input.client.namspace == "shop"'),
        "3:1: input.client has no namspace: it is always undefined; did you mean namespace?",
    ),
    "misspelt part": (Check.UNKNOWN_INPUT, decides('input.clent.namespace == "shop"'), "input has no clent"),
    "misspelt under another name": (
        Check.UNKNOWN_INPUT,
        {"policy.rego": f'import input.client as who\ndecision := {ALLOW} if who.lables.app == "x"\n'},
        "3:71: input.client has no lables",
    ),
    "misspelt in object.get": (
        Check.UNKNOWN_INPUT,
        decides('object.get(input.client, "namspace", "") == "shop"'),
        "input.client has no namspace",
    ),
    "below a text": (Check.UNKNOWN_INPUT, decides('input.query.name.first == "x"'), "it has nothing below it"),
    "index of an object": (
        Check.UNKNOWN_INPUT,
        decides('input.query.labels.first == "x"'),
        "input.query.labels has no first",
    ),
    "misspelt in an element": (
        Check.UNKNOWN_INPUT,
        decides('input.target.endpoints[0].zoon == "x"'),
        "input.target.endpoints[…] has no zoon: it is always undefined; did you mean zone?",
    ),
    "misspelt value": (
        Check.UNKNOWN_VALUE,
        decides('input.client.kind == "pods"'),
        "3:23: input.client.kind is never 'pods'; it is one of",
    ),
    "misspelt value in a list": (
        Check.UNKNOWN_VALUE,
        decides('input.target.kind in {"service", "svc"}'),
        "is never 'svc'",
    ),
    "misspelt value that must not be": (Check.UNKNOWN_VALUE, decides('input.phase != "reponse"'), "is never 'reponse'"),
    "upper case name": (Check.UNKNOWN_VALUE, decides('input.query.name == "X.example"'), "names are lower case"),
    "final dot": (
        Check.UNKNOWN_VALUE,
        decides('"x.example." in input.query.suffixes\ninput.query.name != "x.example."'),
        "names are",
    ),
    "lower case type": (Check.UNKNOWN_VALUE, decides('input.query.type == "aaaa"'), "types are upper case"),
    "else after else": (
        Check.UNREACHABLE_ELSE,
        {"policy.rego": f"decision := {ALLOW} if input.client.zone else := {ALLOW} if true else := 1\n"},
        "this else is never reached: the one before it has no condition",
    ),
    "else after true": (
        Check.UNREACHABLE_ELSE,
        {"policy.rego": "decision := x\nx := 1 if true else := 2\n"},
        "3:24: this else is never reached",
    ),
    "named by the question": (
        Check.VARYING_RULE,
        decides("input.client.zone", ALLOW.replace('"site/x"', 'sprintf("x/%s", [input.query.name])', 1)),
        "the name of the rule is made of input.query.name, so there are as many names as that has values",
    ),
    "named by a pod, on the way": (
        Check.VARYING_RULE,
        {
            "policy.rego": 'decision := {"action": "allow", "rule": named(who), "reason": "x"} if {\n'
            'who := lower(input.client.pod)\n}\nnamed(text) := concat("/", ["x", text])\n'
        },
        "the name of the rule is made of input.client.pod",
    ),
    "named by a rule": (
        Check.VARYING_RULE,
        {
            "policy.rego": 'decision := {"action": "allow", "rule": name, "reason": "x"}\n'
            'name := concat("/", ["x", input.client.labels.app]) if input.client.labels.app\n'
        },
        "made of input.client.labels.app",
    ),
    "labels gone through": (
        Check.WHOLE_LABELS,
        decides('some key, _ in input.client.labels\nstartswith(key, "team/")'),
        "3:16: all labels of input.client.labels are read",
    ),
    "labels by a key of data": (
        Check.WHOLE_LABELS,
        decides('some key in {"a", "b"}\ninput.client.namespace_labels[key]'),
        "4:1: all labels of input.client.namespace_labels are read",
    ),
    "walk": (Check.WHOLE_LABELS, decides('walk(input, [_, "x"])'), "3:6: all facts of the client are read"),
    "the whole client": (Check.WHOLE_LABELS, decides("count(input.client) > 3"), "all facts of the client are read"),
}

WITH_TEST = {"x_test.rego": 'package x_test\ntest_x if { "site/x" }\n'}
TITLED = {"title.rego": "\n# METADATA\n# title: What it does\npackage dnspolicy\n"}

GOOD: dict[str, tuple[Check, Files]] = {
    "whole": (Check.BAD_DECISION, decides("input.client.zone")),
    "built from parts": (
        Check.BAD_DECISION,
        {"policy.rego": 'decision := object.union(base, {"reason": "x"})\nbase := {"action": "block", "rule": "x"}\n'},
    ),
    "no decision at all": (Check.BAD_DECISION, {"policy.rego": 'table := {"action": "x"}\ndecision := table.y\n'}),
    "a list of words": (Check.BAD_DECISION, {"policy.rego": 'decision := ["action", "rule"]\n'}),
    "answer with its phase": (
        Check.BOTH_PHASES,
        decides('input.phase == "response"\nnot input.answer.rcode == "NOERROR"'),
    ),
    "answer that is there": (
        Check.BOTH_PHASES,
        decides('input.answer.from == "forward"\ncount([a | some a in input.answer.addresses]) == 0'),
    ),
    "label": (Check.CLASS_PER_CLIENT, decides('input.client.labels.app == "web"')),
    "bucket of an owner": (Check.CLASS_PER_CLIENT, decides("input.client.owner.bucket < 5")),
    "bound before not": (Check.ENGINE_DIFFERENCE, decides("n := input.client.namespace\nnot data.free[n]")),
    "ignored with a reason": (
        Check.IGNORE,
        decides('input.client.pod == "x" # dnspolicy-lint: ignore class-per-client three pods only'),
    ),
    "ignored in the line before": (
        Check.CLASS_PER_CLIENT,
        decides('# dnspolicy-lint: ignore class-per-client three pods\n\n# more\ninput.client.pod == "x"'),
    ),
    "looked up": (Check.LINEAR_SCAN, decides("some suffix in input.query.suffixes\ndata.site.names[suffix]")),
    "compared with a constant beside it": (
        Check.LINEAR_SCAN,
        decides('some row in data.site.rows\nrow.zone == "a"\nendswith(input.query.name, ".arpa")'),
    ),
    "one of a short list": (
        Check.LINEAR_SCAN,
        {**decides("input.query.name in data.site.names"), "site/data.json": '{"names": ["a", "b"]}'},
    ),
    "a small table": (
        Check.LINEAR_SCAN,
        {
            **decides("some name in data.site.names\nendswith(input.query.name, name)"),
            "site/data.json": '{"names": ["a", "b"]}',
        },
    ),
    "endpoints": (Check.LINEAR_SCAN, decides('some e in input.target.endpoints\nstartswith(e.zone, "a")')),
    "looked up by a name of the body": (
        Check.LINEAR_SCAN,
        decides('name := input.query.name\ndata.site.names[name]\nendswith(name, "x")'),
    ),
    "titled": (Check.MISSING_METADATA, {**decides("input.client.zone"), **TITLED}),
    "tested": (Check.MISSING_TEST, {**decides("input.client.zone"), **WITH_TEST}),
    "name made of parts": (
        Check.MISSING_TEST,
        {
            "policy.rego": 'decision := {"action": "allow", "rule": concat("/", ["a", "b"]), "reason": "x"}\n',
            **WITH_TEST,
        },
    ),
    "two values that may be": (
        Check.NEVER_FIRES,
        decides('input.query.type in {"A", "AAAA"}\ninput.query.type == "A"'),
    ),
    "two values in two rules": (
        Check.NEVER_FIRES,
        {"policy.rego": f'decision := {ALLOW} if a\na if input.query.type == "A"\na if input.query.type == "AAAA"\n'},
    ),
    "redirect of queries": (
        Check.RESPONSE_PHASE,
        {"policy.rego": f'decision := {REDIRECT} if input.phase == "query"\nother if input.answer.rcode\n'},
    ),
    "redirect of queries, said in a rule": (
        Check.RESPONSE_PHASE,
        {"policy.rego": f"decision := {REDIRECT} if asked\nasked if not input.answer\nother if input.answer.rcode\n"},
    ),
    "redirect to addresses, which nobody judges again": (
        Check.RESPONSE_PHASE,
        {
            "policy.rego": 'decision := {"action": "redirect", "addresses": ["192.0.2.1"], "rule": "x", "reason": "y"}'
            ' if input.query.name == "x"\nother if input.answer.rcode\n'
        },
    ),
    "redirect where only queries are judged": (Check.RESPONSE_PHASE, decides("input.client.zone", REDIRECT)),
    "clock with a ttl": (Check.UNCACHEABLE, decides("time.now_ns() > 5", ALLOW[:-1] + ', "ttl": 5}')),
    "clock with its edge": (
        Check.UNCACHEABLE,
        {
            "policy.rego": "import data.window\ncandidates contains window.verdict\nedges contains window.left\n",
            "window.rego": "package window\nnow := time.now_ns() / 1000000000\nleft := 3600 - (now % 3600)\n"
            f'verdict := {ALLOW[:-1]}, "tier": "admin"}} if now % 3600 > 60\n',
        },
    ),
    "no clock": (Check.UNCACHEABLE, decides('time.parse_rfc3339_ns("2024-01-01T00:00:00Z") > 5')),
    "known keys": (
        Check.UNKNOWN_INPUT,
        decides(
            'input.client.labels["a.b/c"] == "x"\nsome e in input.target.endpoints\ne.anything\ninput.query["class"]'
        ),
    ),
    "keys that vary": (Check.UNKNOWN_INPUT, decides('some key in ["namespace", "pod"]\ninput.client[key] == "x"')),
    "index of a list": (Check.UNKNOWN_INPUT, decides('some i\ninput.query.labels[i] == "x"')),
    "known value": (
        Check.UNKNOWN_VALUE,
        decides('input.client.kind == "pod"\ninput.query.type == "TYPE65280"\ninput.query.name == "a.example"'),
    ),
    "any value": (Check.UNKNOWN_VALUE, decides('input.client.labels.Name == "Upper."')),
    "the root": (Check.UNKNOWN_VALUE, decides('input.query.name == "."')),
    "else at the end": (
        Check.UNREACHABLE_ELSE,
        {"policy.rego": f"decision := {ALLOW} if input.client.zone\nelse := {ALLOW}\n"},
    ),
    "named by data": (
        Check.VARYING_RULE,
        {
            "policy.rego": 'decision := {"action": "allow", "rule": concat("/", ["x", list]), "reason": "x"} if {\n'
            "list := data.site.names[input.query.name]\n}\n"
        },
    ),
    "named by what was looked up": (
        Check.VARYING_RULE,
        {
            "policy.rego": 'decision := {"action": "allow", "rule": concat("/", ["x", name]), "reason": "x"} if {\n'
            "name := input.query.name\ndata.site.names[name]\n}\n"
        },
    ),
    "named by a kind": (
        Check.VARYING_RULE,
        decides("input.client.zone", ALLOW.replace('"site/x"', 'concat("/", ["x", input.client.kind])', 1)),
    ),
    "one label": (
        Check.WHOLE_LABELS,
        decides('l := input.client.labels\nl.app == input.client.namespace_labels["x/y"]'),
    ),
    "labels that are there": (Check.WHOLE_LABELS, decides("input.client.labels")),
    "labels of the target": (Check.WHOLE_LABELS, decides("some k, v in input.target.labels\nv == k")),
    "input replaced": (Check.WHOLE_LABELS, {"policy.rego": "decision := x if y with input as {}\nx := 1\ny := 2\n"}),
}
