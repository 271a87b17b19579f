"""What `dnspolicy policy new` begins with. `NAME` is the name of the policy, `KEY` the same as a word of Rego."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Template(StrEnum):
    """The word after `--template`."""

    EMPTY = "empty"
    BLOCK_LIST = "block-list"
    ALLOW_LIST = "allow-list"
    REWRITE = "rewrite"


class Content(msgspec.Struct, frozen=True):
    """One template: a title, what it does, the rules, their tests, sample data, and lines for the README."""

    title: str
    about: str
    rules: str
    tests: str
    data: str
    rows: str
    decided: str


_EMPTY = Content(
    title="NAME",
    about="Says nothing yet but about one name.",
    rules="""\
verdict := {
	"tier": "default",
	"action": "block",
	"rule": "NAME/example",
	"reason": "an example",
} if {
	input.query.name == "NAME.example"
}
""",
    tests="""\
test_the_name_is_blocked if {
	verdict.action == "block" with input as {"query": {"name": "NAME.example"}}
	verdict.rule == "NAME/example" with input as {"query": {"name": "NAME.example"}}
}

test_nothing_is_said_of_others if not verdict with input as {"query": {"name": "other.example"}}
""",
    data="{}\n",
    rows="| | none yet |",
    decided="| `NAME/example` | block | default | one name |",
)

_BLOCK_LIST = Content(
    title="Listed names are blocked",
    about="Names on a list, and everything below them, are blocked; a namespace can be let off.",
    rules="""\
verdict := {
	"tier": "default",
	"action": "block",
	"rule": "NAME/listed",
	"reason": concat(" ", [listed[0], "is on the list"]),
} if {
	count(listed) > 0
	not let_off
}

# The longest first. A look-up costs the same for ten names and for a hundred thousand.
listed := [suffix |
	some suffix in input.query.suffixes
	data.KEY.names[suffix]
]

let_off if {
	namespace := input.client.namespace
	data.KEY.let_off[namespace]
}
""",
    tests="""\
table := {"names": {"games.example": true}, "let_off": {"lab": true}}

asks(namespace, suffixes) := {
	"client": {"kind": "pod", "namespace": namespace},
	"query": {"name": suffixes[0], "suffixes": suffixes},
}

below := ["chess.games.example", "games.example", "example"]

test_a_name_below_a_listed_one if {
	said := verdict with input as asks("shop", below) with data.KEY as table
	said.action == "block"
	said.rule == "NAME/listed"
	said.reason == "games.example is on the list"
}

test_names_end_at_a_dot if {
	not verdict with input as asks("shop", ["xgames.example", "example"]) with data.KEY as table
}

test_a_namespace_that_is_let_off if {
	not verdict with input as asks("lab", below) with data.KEY as table
}

test_without_data_nothing_is_said if {
	not verdict with input as asks("shop", below) with data.KEY as {}
}
""",
    data="""\
{
  "KEY": {
    "names": {"games.example": true},
    "let_off": {"lab": true}
  }
}
""",
    rows="| `names` | this name and everything below is blocked |\n| `let_off` | clients of these namespaces are not |",
    decided="| `NAME/listed` | block | default | the reason names the entry |",
)

_ALLOW_LIST = Content(
    title="Names outside the cluster only from a list",
    about="A namespace with a list may ask for these names outside the cluster, and for no other.",
    rules="""\
verdict := {
	"tier": "default",
	"action": "allow",
	"rule": "NAME/listed",
	"reason": "on the list for the client's namespace",
} if {
	limited
	allowed
} else := {
	"tier": "default",
	"action": "block",
	"rule": "NAME/not-listed",
	"reason": "not on the list for the client's namespace",
} if {
	limited
}

# The client's namespace has a list, and the name is one the list is for.
limited if {
	input.target.kind == "external"
	namespace := input.client.namespace
	data.KEY[namespace]
}

allowed if {
	some suffix in input.query.suffixes
	data.KEY[input.client.namespace][suffix]
}

# Where an allowed name leads is its owner's business.
allowed if input.query.via == "cname"
""",
    tests="""\
table := {"shop": {"api.cards.example": true}}

asks(namespace, suffixes) := {
	"client": {"kind": "pod", "namespace": namespace},
	"query": {"name": suffixes[0], "suffixes": suffixes, "via": "client"},
	"target": {"kind": "external"},
}

cards := ["eu.api.cards.example", "api.cards.example", "cards.example", "example"]

other := ["other.example", "example"]

rule(request) := said.rule if {
	said := verdict with input as request with data.KEY as table
}

test_a_name_on_the_list if rule(asks("shop", cards)) == "NAME/listed"

test_a_name_that_is_not if rule(asks("shop", other)) == "NAME/not-listed"

test_where_an_alias_leads if {
	request := asks("shop", other)
	rule(object.union(request, {"query": {"via": "cname"}})) == "NAME/listed"
}

test_a_namespace_without_a_list if not rule(asks("lab", other))

test_names_of_the_cluster if {
	request := asks("shop", other)
	not rule(object.union(request, {"target": {"kind": "service"}}))
}

test_without_data_nothing_is_said if {
	not verdict with input as asks("shop", other) with data.KEY as {}
}
""",
    data="""\
{
  "KEY": {
    "shop": {"api.cards.example": true}
  }
}
""",
    rows="| NAMESPACE | its pods may ask for these names and everything below |",
    decided="""\
| `NAME/listed` | allow | default | the name is on the list |
| `NAME/not-listed` | block | default | it is not |""",
)

_REWRITE = Content(
    title="One name, another for each namespace",
    about="A name leads to another one, which depends on the namespace of the client.",
    rules="""\
verdict := {
	"tier": "default",
	"action": "rewrite",
	"name": name,
	"rule": "NAME/namespace",
	"reason": "the answer for the client's namespace",
} if {
	input.phase == "query" # an answer cannot be rewritten
	namespace := input.client.namespace
	name := data.KEY.names[input.query.name][namespace]
} else := {
	"tier": "default",
	"action": "allow",
	"rule": "NAME/answer",
	"reason": "the answer to a name that was rewritten",
} if {
	input.answer
	data.KEY.names[input.query.asked]
}
""",
    tests="""\
table := {"names": {"db.example": {"shop": "db.shop.svc.cluster.local"}}}

asks(phase, namespace, name) := {
	"phase": phase,
	"client": {"kind": "pod", "namespace": namespace},
	"query": {"name": name, "asked": name},
}

test_the_name_for_a_namespace if {
	said := verdict with input as asks("query", "shop", "db.example") with data.KEY as table
	said.name == "db.shop.svc.cluster.local"
	said.rule == "NAME/namespace"
}

test_the_answer_is_let_through if {
	answered := object.union(asks("response", "shop", "db.example"), {"answer": {"rcode": "NOERROR"}})
	said := verdict with input as answered with data.KEY as table
	said.action == "allow"
	said.rule == "NAME/answer"
}

test_other_namespaces_are_nobodys_business if {
	not verdict with input as asks("query", "lab", "db.example") with data.KEY as table
}

test_other_names_too if {
	not verdict with input as asks("query", "shop", "www.example") with data.KEY as table
}
""",
    data="""\
{
  "KEY": {
    "names": {"db.example": {"shop": "db.shop.svc.cluster.local"}}
  }
}
""",
    rows="| `names` | name → namespace of the client → the name to resolve instead |",
    decided="""\
| `NAME/namespace` | rewrite | default | in the query phase |
| `NAME/answer` | allow | default | what came of it |""",
)

CONTENTS = {
    Template.EMPTY: _EMPTY,
    Template.BLOCK_LIST: _BLOCK_LIST,
    Template.ALLOW_LIST: _ALLOW_LIST,
    Template.REWRITE: _REWRITE,
}
