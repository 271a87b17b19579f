# Response policy zones as data: several in order, each with its triggers, and what to do instead of what it says.
# METADATA
# scope: package
# title: Response policy zones
# schemas:
#   - input: schema.input
package dnspolicy.rpz

# METADATA
# title: The zone that decides
# description: The first of `data.rpz.order` with a trigger that is hit, those that are disabled not counted.
decided := [found | some found in hits; found.override != "disabled"][0]

# What disabled zones would have done.
disabled := [found | some found in hits; found.override == "disabled"]

# One for each zone at most. Names of the cluster are none of theirs.
hits := [found |
	input.target.kind == "external"
	some entry in data.rpz.order
	trigger := hit(data.rpz.zones[entry.zone])
	found := object.union({"override": "given"}, object.union(entry, {"trigger": trigger}))
]

# Within a zone: the client's address, the name, the answer's addresses.
hit(zone) := {"kind": "client-ip", "table": "client_ips", "key": key, "action": action} if {
	[action, key] := of_networks(zone.client_ips, client_addresses)
} else := {"kind": "qname", "table": "names", "key": input.query.name, "action": action} if {
	action := zone.names[input.query.name]
} else := {"kind": "wildcard", "table": "wildcards", "key": key, "action": action} if {
	above := array.concat(array.slice(input.query.suffixes, 1, count(input.query.suffixes)), ["."])
	[action, key] := [[found, suffix] | some suffix in above; found := zone.wildcards[suffix]][0]
} else := {"kind": "ip", "table": "response_ips", "key": key, "action": action} if {
	input.phase == "response"
	[action, key] := of_networks(zone.response_ips, answer_addresses)
}

# Single addresses are looked up, networks gone through, the longest prefix first.
of_networks(table, addresses) := [action, key] if {
	[action, key] := [[action, key] |
		some address in addresses
		action := table.hosts[address]
		key := concat("/", [address, width(address)])
	][0]
} else := [[network.action, network.cidr] |
	some network in table.networks
	some address in addresses
	net.cidr_contains(network.cidr, address)
][0]

width(address) := "128" if {
	contains(address, ":")
} else := "32"

answer_addresses := sort({plain |
	some address in input.answer.addresses
	plain := trim_prefix(address, "::ffff:")
})

# The client's address, if the folder `rpz-clients` is loaded: it makes a class of each client.
client_addresses contains address if some address in []

# METADATA
# title: What a hit comes to
# description: >-
#   What the zone says, or what is to be done instead. PASSTHRU is written down and decides nothing beyond its zones: a
#   list of somebody else opens no name.
candidate(found) := object.union(basis(found), block_as(found)) if {
	basis(found)
	block_as(found)
} else := object.union(basis(found), {"tier": "default", "action": "allow", "mode": "shadow"}) if {
	basis(found)
	passes(found)
} else := object.union(basis(found), {"tier": "default", "action": "allow"}) if {
	basis(found)
	destination(found)
	made_already(found)
} else := object.union_n([basis(found), {"action": "redirect"}, destination(found)]) if {
	basis(found)
	destination(found)
} else := object.union(basis(found), {"action": "block", "as": "nodata"}) if {
	basis(found)
	action(found) == "local"
} else := object.union(basis(found), {"action": "an action that is none"})

basis(found) := {
	"tier": "admin",
	"rule": concat("/", ["rpz", found.zone]),
	"reason": concat(" ", [found.trigger.kind, shown(found.trigger)]),
}

shown(trigger) := "*" if {
	trigger.kind == "wildcard"
	trigger.key == "."
} else := concat(".", ["*", key]) if {
	key := trigger.key
	trigger.kind == "wildcard"
} else := trigger.key

action(found) := given if {
	given := found.trigger.action
	found.override in {"given", "disabled"}
} else := found.override

block_as(found) := {"action": "block", "as": action(found)} if {
	action(found) in {"nxdomain", "nodata", "drop"}
} else := {"action": "block", "as": "refused"} if {
	action(found) == "tcp_only"
	input.query.transport != "tcp"
}

passes(found) if {
	action(found) == "passthru"
} else if {
	action(found) == "tcp_only"
}

# An answer that a name or a client led to is ours; it is not made again.
made_already(found) if {
	input.phase == "response"
	found.trigger.kind != "ip"
}

# Where local data lead: an alias, or up to 32 addresses. Records of other types cannot be answered.
destination(found) := {"cname": found.target} if {
	action(found) == "cname"
	is_string(found.target)
} else := {"cname": target(to), "ttl": min([86400, ttl])} if {
	action(found) == "local"
	[to, ttl] := [[record.data, record.ttl] | some record in records(found); record.type == "CNAME"][0]
} else := {"addresses": array.slice(addresses, 0, 32), "ttl": min(array.concat([86400], ttls))} if {
	action(found) == "local"
	addresses := [record.data | some record in records(found); record.type in {"A", "AAAA"}]
	ttls := [record.ttl | some record in records(found); record.type in {"A", "AAAA"}]
	count(addresses) > 0
}

records(found) := data.rpz.zones[found.zone].records[found.trigger.table][found.trigger.key]

target(text) := concat(".", [input.query.name, substring(text, 2, -1)]) if {
	startswith(text, "*.")
} else := text
