# Which names outside the cluster a namespace may ask for.
# METADATA
# scope: package
# title: Names outside that a namespace may ask for
# schemas:
#   - input: schema.input
package dnspolicy.egress

import data.dnspolicy.lib.alias_of_ours
import data.dnspolicy.lib.suffixes_of
import data.dnspolicy.lib.typed

# METADATA
# title: What the lists of the client's namespace say
# description: Nothing of names of the cluster, and of clients of namespaces without a list unless `others` is `block`.
verdict := {
	"tier": "default",
	"action": "allow",
	"rule": "egress/alias",
	"reason": "where a name leads is its owner's business",
} if {
	judged
	alias
} else := {
	"tier": "default",
	"action": "allow",
	"rule": "egress/listed",
	"reason": concat(" ", ["listed as", min(listed)]),
} if {
	judged
	count(listed) > 0
} else := {
	"tier": "admin",
	"action": "block",
	"rule": "egress/other",
	"reason": "not on a list of the client's namespace",
} if {
	judged
}

# Where a name that was let through leads. A name of the cluster is let through without a list, and leads where whoever
# may create Services wants it to.
alias if {
	input.query.via == "cname"
	not alias_of_ours
}

alias if {
	some name in typed
	some table in tables
	count(entries(table, name, suffixes_of(name))) > 0
}

judged if {
	input.target.kind == "external"
	data.egress.namespaces[input.client.namespace]
} else if {
	input.target.kind == "external"
	data.egress.others == "block"
}

# What holds the name: an exact name, a suffix or a wildcard, of the namespace itself, of a group, or for everybody.
listed := {entry |
	some table in tables
	some entry in entries(table, input.query.name, input.query.suffixes)
}

# The lists that count for the client: its namespace's own, those of its groups, and that for everybody.
tables := array.concat(of_namespace, array.concat(of_groups, for_everybody))

of_namespace := [table | table := data.egress.namespaces[input.client.namespace]]

of_groups := [table |
	groups := data.egress.namespaces[input.client.namespace].groups
	is_object(groups)
	some name, used in groups
	used != false
	table := data.egress.groups[name]
]

for_everybody := [table | table := data.egress.everybody]

entries(table, name, suffixes) := union({
	{name | table.names[name]},
	{suffix | some suffix in suffixes; table.suffixes[suffix]},
	below(table, suffixes),
})

below(table, suffixes) := {wildcard |
	some suffix in array.slice(suffixes, 1, count(suffixes))
	table.wildcards[suffix]
	wildcard := concat(".", ["*", suffix])
}
