# A pod resolves a service if its service account may `get` it, as Kubernetes' own roles and bindings say.
#
# The objects are read below `data.kubernetes`: by namespace and name, those without a namespace by name.
# METADATA
# scope: package
# title: What a service account may get
# schemas:
#   - input: schema.input
package dnspolicy.rbac

import data.dnspolicy.lib.service
import data.dnspolicy.lib.zone_name

# METADATA
# title: What the roles of the client's service account say
# description: Names outside the cluster are none of RBAC's business and open to pods.
verdict := {
	"tier": "default",
	"action": "allow",
	"rule": "rbac/external",
	"reason": "outside the cluster",
} if {
	input.target.kind == "external"
	input.client.kind == "pod"
} else := {
	"tier": "admin",
	"action": "allow",
	"rule": "rbac/open",
	"reason": "everybody may resolve it",
} if {
	data.rbac.open[service]
} else := {
	"tier": "admin",
	"action": "block",
	"rule": "rbac/not-a-pod",
	"reason": "the client is no known pod",
} if {
	input.target.kind != "external"
	input.client.kind != "pod"
} else := {
	"tier": "default",
	"action": "allow",
	"rule": "rbac/zone",
	"reason": "of the cluster's zone itself",
} if {
	zone_name
} else := {
	"tier": "default",
	"action": "allow",
	"rule": "rbac/granted",
	"reason": "the client's service account may get it",
} if {
	granted
} else := {
	"tier": "admin",
	"action": "block",
	"rule": "rbac/denied",
	"reason": "the client's service account may not get it",
} if {
	input.target.kind != "external"
}

# What has to be got: a service, also for its endpoints and ports; or a pod.
resource := {"service": "services", "endpoint": "services", "pod": "pods"}[input.target.kind]

# What bindings call the client: its account, as a user too, and its groups. The value is the namespace that stands beside.
called := {
	"ServiceAccount": {account: namespace},
	"User": {concat(":", ["system:serviceaccount", namespace, account]): ""},
	"Group": {
		"system:authenticated": "",
		"system:serviceaccounts": "",
		concat(":", ["system:serviceaccounts", namespace]): "",
	},
} if {
	namespace := input.client.namespace
	account := input.client.service_account
}

# All these names whatever they are of. Most bindings have none of them, so they are looked for first.
names := object.union_n([names_of_kind | some names_of_kind in called])

granted if {
	resource
	wanted := names
	some binding in data.kubernetes.rolebindings[input.target.namespace]
	wanted[binding.subjects[_].name]
	binds(binding)
	some permitted in rules(binding.roleRef)
	permits(permitted)
} else if {
	resource
	wanted := names
	some binding in data.kubernetes.clusterrolebindings
	wanted[binding.subjects[_].name]
	binds(binding)
	binding.roleRef.kind == "ClusterRole"
	some permitted in rules(binding.roleRef)
	permits(permitted)
}

binds(binding) if {
	some subject in binding.subjects
	called[subject.kind][subject.name] == object.get(subject, "namespace", "")
}

permits(permitted) if {
	names_it(permitted)
	resource_or_all(permitted.resources)
	some verb in permitted.verbs
	verb in {"get", "*"}
	some group in permitted.apiGroups
	group in {"", "*"}
}

resource_or_all(resources) if {
	resource in resources
} else if {
	"*" in resources
}

# Without resourceNames all are meant. Of what the name of a pod does not tell, only who may get all may see it.
names_it(permitted) if {
	count(object.get(permitted, "resourceNames", [])) == 0
} else if {
	input.target.name in permitted.resourceNames
}

rules(ref) := found if {
	ref.kind == "ClusterRole"
	found := data.kubernetes.clusterroles[ref.name].rules
	is_array(found)
	count(found) > 0
} else := aggregated(ref.name) if {
	ref.kind == "ClusterRole"
	data.kubernetes.clusterroles[ref.name].aggregationRule
} else := found if {
	ref.kind == "Role"
	found := data.kubernetes.roles[input.target.namespace][ref.name].rules
	is_array(found)
}

# Where no controller has filled in the rules of an aggregated role: those of all roles it selects, and of all these do.
aggregated(name) := [found |
	some reached in graph.reachable(selected, {name})
	given := data.kubernetes.clusterroles[reached].rules
	is_array(given)
	some found in given
]

selected := {name: chosen |
	some name, role in data.kubernetes.clusterroles
	selectors := object.get(role, ["aggregationRule", "clusterRoleSelectors"], [])
	chosen := {other |
		some selector in selectors
		some other, candidate in data.kubernetes.clusterroles
		selects(selector, object.get(candidate, ["metadata", "labels"], {}))
	}
}

# By equal labels only: what else a selector may say selects nothing.
selects(selector, labels) if {
	object.keys(selector) == {"matchLabels"}
	object.subset(labels, selector.matchLabels)
}
