# Which names outside the cluster a namespace may ask for.
# METADATA
# scope: package
# title: Names outside that a namespace may ask for
# schemas:
#   - input: schema.input
package dnspolicy.egress

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
	input.query.via == "cname"
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

judged if {
	input.target.kind == "external"
	data.egress.namespaces[input.client.namespace]
} else if {
	input.target.kind == "external"
	data.egress.others == "block"
}

# What holds the name: an exact name, a suffix or a wildcard, of the namespace itself, of a group, or for everybody.
listed contains entry if {
	some entry in entries(data.egress.namespaces[input.client.namespace])
}

listed contains entry if {
	some name, used in data.egress.namespaces[input.client.namespace].groups
	used != false
	some entry in entries(data.egress.groups[name])
}

listed contains entry if {
	some entry in entries(data.egress.everybody)
}

entries(table) := union({exact(table), with_all_below(table), below(table)})

exact(table) := {input.query.name | table.names[input.query.name]}

with_all_below(table) := {suffix | some suffix in input.query.suffixes; table.suffixes[suffix]}

below(table) := {wildcard |
	some suffix in array.slice(input.query.suffixes, 1, count(input.query.suffixes))
	table.wildcards[suffix]
	wildcard := concat(".", ["*", suffix])
}
