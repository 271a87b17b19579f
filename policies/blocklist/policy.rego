# Names and addresses nobody should reach, as data.
# METADATA
# scope: package
# title: Names and addresses nobody should reach
# schemas:
#   - input: schema.input
package dnspolicy.blocklist

# What lists a name, given with its suffixes (longest first): the name itself, else the longest suffix, else the longest
# one on a list that is a category as a whole.
# As [entry, category]; undefined when nothing does.
entry(name, suffixes) := [name, category] if {
	category := named(data.blocklist.names[name])
} else := found if {
	table := data.blocklist.suffixes
	found := [[suffix, category] | some suffix in suffixes; category := named(table[suffix])][0]
} else := found if {
	lists := data.blocklist.lists
	found := [[suffix, category] | some suffix in suffixes; some category, list in lists; list[suffix]][0]
}

# What is listed without a category, as `true` or as nothing at all, is blocked all the same; `false` is not listed.
named(category) := category if is_string(category)

named(category) := "listed" if {
	not is_string(category)
	category != false
}

# The candidate for an entry; undefined when an exception stands against it, or when it is meant for others.
block(listed, suffixes) := candidate if {
	how := settings(listed[1])
	in_scope(how)
	not excepted(listed, suffixes)
	candidate := object.union(object.remove(how, ["namespaces"]), {
		"tier": "admin",
		"action": "block",
		"rule": concat("/", ["blocklist", listed[1]]),
		"reason": concat(" ", [listed[0], "is listed as", listed[1]]),
	})
}

# What to do with a category: plain NXDOMAIN unless the data says otherwise.
settings(category) := how if {
	how := data.blocklist.categories[category]
} else := {}

# A category or an exception may be limited to namespaces.
in_scope(thing) if {
	not thing.namespaces
} else if {
	thing.namespaces[input.client.namespace]
}

# An exception stands against entries as long as itself or shorter.
excepted(listed, suffixes) if {
	exceptions := data.blocklist.exceptions
	some suffix in suffixes
	exception := exceptions[suffix]
	count(suffix) >= count(listed[0])
	well_formed(exception)
	in_scope(exception)
}

# A key that is misspelt must not make an exception for everybody.
well_formed(exception) if {
	is_object(exception)
	object.keys(exception) - {"namespaces", "why"} == set()
	object.get(exception, "namespaces", {}) != false
}

inside := candidate if {
	found := leads_inside[0]
	not internal
	candidate := {
		"tier": "admin",
		"action": "block",
		"as": "nodata",
		"rule": "blocklist/address",
		"reason": concat(" ", ["an outside name leads to", found[0], "in", found[1]]),
	}
}

leads_inside := [[address, range] |
	ranges := data.blocklist.ranges
	some address in input.answer.addresses
	plain := trim_prefix(address, "::ffff:")
	some range in ranges
	net.cidr_contains(range, plain)
]

# Zones of our own that an upstream serves: their names may lead inside.
internal if {
	table := data.blocklist.internal
	some suffix in input.query.suffixes
	table[suffix]
}

suffixes_of(name) := [suffix |
	labels := split(name, ".")
	some i, _ in labels
	suffix := concat(".", array.slice(labels, i, count(labels)))
]
