# A tenant's pods see their own names, shared platform names and the world outside, and nothing of other tenants.
#
# Everything is decided by what the name says (`input.target`), never by whether it exists: names that are there and
# names that are not, every type, reverse look-ups and pod names get one and the same verdict.
# METADATA
# scope: package
# title: Nothing of other tenants
# schemas:
#   - input: schema.input
package dnspolicy.tenant_isolation

import data.dnspolicy.lib.alias_of_ours
import data.dnspolicy.lib.same_tenant
import data.dnspolicy.lib.service
import data.dnspolicy.lib.suffixes_of
import data.dnspolicy.lib.typed
import data.dnspolicy.lib.zone_name

verdict := {
	"tier": "default",
	"action": "allow",
	"rule": "tenant/own",
	"reason": "the client's own tenant",
} if {
	same_tenant
} else := external if {
	input.target.kind == "external"
	input.client.kind == "pod"
} else := {
	"tier": "default",
	"action": "allow",
	"rule": "tenant/shared",
	"reason": "in a shared namespace",
} if {
	input.target.namespace_labels["dns.example/shared"] == "true"
	input.client.kind == "pod"
} else := {
	"tier": "admin",
	"action": "allow",
	"rule": "tenant/infra",
	"reason": "everybody may resolve it",
} if {
	infra
} else := {
	"tier": "admin",
	"action": "block",
	"rule": "tenant/not-a-pod",
	"reason": "the client is no known pod",
} if {
	input.client.kind != "pod"
} else := {
	"tier": "default",
	"action": "allow",
	"rule": "tenant/granted",
	"reason": "granted to the client's namespace",
} if {
	data.tenant_isolation.grants[input.client.namespace][service]
} else := {
	"tier": "default",
	"action": "allow",
	"rule": "tenant/below",
	"reason": "a tenant below the client's",
} if {
	data.tenant_isolation.hierarchy.down
	is_below(theirs, mine)
} else := {
	"tier": "default",
	"action": "allow",
	"rule": "tenant/above",
	"reason": "a tenant above the client's",
} if {
	data.tenant_isolation.hierarchy.up
	is_below(mine, theirs)
} else := {
	"tier": "default",
	"action": "allow",
	"rule": "tenant/zone",
	"reason": "of the cluster's zone itself",
} if {
	zone_name
} else := {
	"tier": "admin",
	"action": "block",
	"rule": "tenant/other",
	"reason": "another tenant's or nobody's",
}

mine := input.client.namespace_labels["dns.example/tenant"]

theirs := input.target.namespace_labels["dns.example/tenant"]

# `acorn.shop` and `acorn.shop.web` are below `acorn`; `acorns` is not.
is_below(tenant, other) if startswith(tenant, concat("", [other, "."]))

# Names outside the cluster are open, unless the client's namespace has a list of those it may ask for. Where such a
# name leads by CNAME is its owner's business and not judged by that list; where a name of the cluster leads is.
external := {
	"tier": "default",
	"action": "allow",
	"rule": "tenant/external",
	"reason": "outside the cluster",
} if {
	namespace := input.client.namespace
	not data.tenant_isolation.egress[namespace]
} else := {
	"tier": "default",
	"action": "allow",
	"rule": "tenant/egress",
	"reason": "on the list for the client's namespace",
} if {
	egress
} else := {
	"tier": "admin",
	"action": "allow",
	"rule": "tenant/infra",
	"reason": "everybody may resolve it",
} if {
	infra
} else := {
	"tier": "admin",
	"action": "block",
	"rule": "tenant/egress",
	"reason": "not on the list for the client's namespace",
}

egress if {
	input.query.via == "cname"
	not alias_of_ours
}

egress if {
	some name in typed
	on_the_list(name, suffixes_of(name))
}

egress if on_the_list(input.query.name, input.query.suffixes)

on_the_list(name, _) if data.tenant_isolation.egress[input.client.namespace].names[name]

on_the_list(_, suffixes) if {
	table := data.tenant_isolation.egress[input.client.namespace].suffixes
	some suffix in suffixes
	table[suffix]
}

infra if data.tenant_isolation.infra.services[service]

# Where a name that was let through leads by CNAME; pods have lists of their own.
infra if {
	input.client.kind != "pod"
	input.query.via == "cname"
	input.target.kind == "external"
}

infra if {
	not input.target.namespace
	names := data.tenant_isolation.infra.names
	some suffix in input.query.suffixes
	names[suffix]
}
