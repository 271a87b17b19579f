# What follows from alarms about a client: the domain its names carry data to is blocked for its workload.
# METADATA
# scope: package
# title: Alarms about a client, and what follows
# schemas:
#   - input: schema.input
package dnspolicy.exfiltration

# The longest domain with an alarm that a name is or lies below, as [domain, alarm].
alarmed := [[suffix, alarm] | some suffix in input.query.suffixes; alarm := input.client.alarms[suffix]][0]

domain := candidate if {
	found := alarmed
	not excepted
	candidate := said("exfiltration/domain", found[0], found[1], mode("domain", "enforce"))
}

# Names below many domains, none of which stands out: too much to block without being asked to.
many := candidate if {
	input.target.kind == "external"
	alarm := input.client.alarms["*"]
	not excepted
	candidate := said("exfiltration/many", "many domains", alarm, mode("many", "shadow"))
}

said(rule, where, alarm, how) := {
	"tier": "admin",
	"action": "block",
	"rule": rule,
	"reason": sprintf(
		"the workload asked for %d names with %d bytes below %s, %v bits a byte",
		[alarm.names, alarm.bytes, where, alarm.entropy],
	),
	"mode": how,
	"audit": "full",
	"ttl": seconds,
}

# The mode of a rule: that of the client's namespace, else that of the rule, else what is usual.
mode(rule, usual) := found if {
	found := data.exfiltration.namespaces[input.client.namespace]
} else := found if {
	found := data.exfiltration.modes[rule]
} else := usual

seconds := found if {
	found := data.exfiltration.ttl
} else := 30

# A domain may carry what it likes, for everybody or for clients of some namespaces.
excepted if {
	some suffix in input.query.suffixes
	exception := data.exfiltration.exceptions[suffix]
	well_formed(exception)
	in_scope(exception)
}

# A key that is misspelt must not make an exception for everybody.
well_formed(exception) if {
	is_object(exception)
	object.keys(exception) - {"namespaces", "why"} == set()
	object.get(exception, "namespaces", {}) != false
}

in_scope(exception) if {
	not exception.namespaces
} else if {
	exception.namespaces[input.client.namespace]
}
