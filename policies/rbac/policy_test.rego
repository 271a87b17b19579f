package dnspolicy_rbac_test

import data.dnspolicy.decision

pod(namespace, account) := {"kind": "pod", "namespace": namespace, "service_account": account}

web := pod("shop", "web")

service(namespace, name) := {"kind": "service", "namespace": namespace, "name": name}

db := service("data", "db")

asks(client, name, what) := {
	"version": 1,
	"phase": "query",
	"client": client,
	"query": {"name": name, "type": "A"},
	"target": what,
}

# What this policy alone makes of a request, whatever else is loaded.
judged(request, objects) := verdict if {
	open := {"default/kubernetes": true}
	all := data.dnspolicy.candidates with input as request with data.kubernetes as objects with data.rbac.open as open
	mine := {candidate | some candidate in all; startswith(candidate.rule, "rbac/")}
	verdict := decision with data.dnspolicy.candidates as mine
}

rule(client, what, objects) := judged(asks(client, "db.data.svc.cluster.local", what), objects).rule

get_services := {"apiGroups": [""], "resources": ["services"], "verbs": ["get", "list"]}

account(namespace, name) := {"kind": "ServiceAccount", "namespace": namespace, "name": name}

group(name) := {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": name}

# Objects with one role in `data`, bound there to the given subjects.
bound(rules, subjects) := {
	"roles": {"data": {"reader": {"rules": rules}}},
	"rolebindings": {"data": {"readers": {"roleRef": {"kind": "Role", "name": "reader"}, "subjects": subjects}}},
}

# Objects with cluster roles, one of them bound everywhere to the account of `web`.
bound_everywhere(roles, name) := {
	"clusterroles": roles,
	"clusterrolebindings": {"all": {
		"roleRef": {"kind": "ClusterRole", "name": name},
		"subjects": [account("shop", "web")],
	}},
}

test_a_role_in_the_namespace_of_the_service if {
	objects := bound([get_services], [account("shop", "web")])
	rule(web, db, objects) == "rbac/granted"
	rule(web, service("data", "cache"), objects) == "rbac/granted"
	rule(web, service("pay", "db"), objects) == "rbac/denied"
	rule(pod("shop", "api"), db, objects) == "rbac/denied"
	rule(pod("data", "web"), db, objects) == "rbac/denied"
}

test_who_is_meant if {
	every subject in [
		account("shop", "web"),
		group("system:serviceaccounts"),
		group("system:serviceaccounts:shop"),
		group("system:authenticated"),
		{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "system:serviceaccount:shop:web"},
	] {
		rule(web, db, bound([get_services], [account("other", "other"), subject])) == "rbac/granted"
	}
	every subject in [
		account("shop", "webs"),
		account("", "web"),
		{"kind": "ServiceAccount", "name": "web"},
		group("system:serviceaccounts:shopping"),
		group("system:unauthenticated"),
		group("system:masters"),
		group("web"),
		{"kind": "User", "name": "web"},
		{"kind": "User", "name": "system:serviceaccount:shop:api"},
	] {
		rule(web, db, bound([get_services], [subject])) == "rbac/denied"
	}
}

test_what_a_rule_permits if {
	every changed in [
		{},
		{"verbs": ["*"]},
		{"apiGroups": ["*"]},
		{"apiGroups": ["apps", ""]},
		{"resources": ["*"]},
		{"resources": ["pods", "services"]},
		{"resourceNames": []},
		{"resourceNames": ["cache", "db"]},
	] {
		rule(web, db, bound([object.union(get_services, changed)], [account("shop", "web")])) == "rbac/granted"
	}
	every changed in [
		{"verbs": ["list", "watch"]},
		{"verbs": []},
		{"apiGroups": ["apps"]},
		{"resources": ["pods"]},
		{"resources": ["services/status"]},
		{"resources": ["services/*"]},
		{"resourceNames": ["cache"]},
	] {
		rule(web, db, bound([object.union(get_services, changed)], [account("shop", "web")])) == "rbac/denied"
	}
}

test_parts_of_several_rules_make_none if {
	rules := [
		object.union(get_services, {"verbs": ["list"]}),
		object.union(get_services, {"resources": ["pods"]}),
		{"nonResourceURLs": ["*"], "verbs": ["get"]},
	]
	rule(web, db, bound(rules, [account("shop", "web")])) == "rbac/denied"
}

test_a_role_is_of_its_namespace if {
	elsewhere := object.union(bound([], [account("shop", "web")]), {"roles": {
		"data": {"other": {"rules": [get_services]}},
		"shop": {"reader": {"rules": [get_services]}},
	}})
	rule(web, db, elsewhere) == "rbac/denied"
}

test_a_cluster_role_bound_in_a_namespace if {
	objects := {
		"clusterroles": {"view": {"rules": [get_services]}},
		"rolebindings": {"data": {"viewers": {
			"roleRef": {"kind": "ClusterRole", "name": "view"},
			"subjects": [account("shop", "web")],
		}}},
	}
	rule(web, db, objects) == "rbac/granted"
	rule(web, service("pay", "db"), objects) == "rbac/denied"
}

test_a_cluster_role_bound_everywhere if {
	objects := bound_everywhere({"view": {"rules": [get_services]}}, "view")
	rule(web, db, objects) == "rbac/granted"
	rule(web, service("pay", "db"), objects) == "rbac/granted"
	rule(web, object.union(db, {"exists": false}), objects) == "rbac/granted"
	rule(pod("shop", "api"), db, objects) == "rbac/denied"
	rule(web, db, bound_everywhere({"view": {"rules": [get_services]}}, "edit")) == "rbac/denied"
}

test_a_binding_everywhere_has_no_role_of_a_namespace if {
	objects := {
		"roles": {"data": {"reader": {"rules": [get_services]}}},
		"clusterrolebindings": {"all": {
			"roleRef": {"kind": "Role", "name": "reader"},
			"subjects": [account("shop", "web")],
		}},
	}
	rule(web, db, objects) == "rbac/denied"
}

test_a_binding_without_subjects if {
	rule(web, db, object.remove(bound([get_services], []), [])) == "rbac/denied"
	objects := {"rolebindings": {"data": {"empty": {"roleRef": {"kind": "Role", "name": "reader"}}}}}
	rule(web, db, objects) == "rbac/denied"
}

to(key) := {"metadata": {"labels": {key: "true", "other": "x"}}}

aggregates(key) := {"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {key: "true"}}]}}

test_an_aggregated_role if {
	filled := {"view": object.union(aggregates("to-view"), {"rules": [get_services]})}
	rule(web, db, bound_everywhere(filled, "view")) == "rbac/granted"
	empty := {
		"view": object.union(aggregates("to-view"), {"rules": []}),
		"services": object.union(to("to-view"), {"rules": [get_services]}),
		"nothing": {"rules": []},
	}
	rule(web, db, bound_everywhere(empty, "view")) == "rbac/granted"
	rule(web, db, bound_everywhere(empty, "nothing")) == "rbac/denied"
}

test_an_aggregated_role_of_aggregated_roles if {
	roles := {
		"admin": object.union(aggregates("to-admin"), to("to-view")),
		"edit": object.union(aggregates("to-edit"), to("to-admin")),
		"services": object.union(to("to-edit"), {"rules": [get_services]}),
		"view": object.union(aggregates("to-view"), {"rules": null}),
	}
	rule(web, db, bound_everywhere(roles, "admin")) == "rbac/granted"
	rule(web, db, bound_everywhere(roles, "view")) == "rbac/granted"
	rule(web, db, bound_everywhere(object.remove(roles, ["edit"]), "admin")) == "rbac/denied"
}

test_a_selector_that_says_more_selects_nothing if {
	every more in [{"matchExpressions": [{"key": "a", "operator": "Exists"}]}, {"matchLabels": {"missing": "true"}}] {
		selector := object.union({"matchLabels": {"to-view": "true"}}, more)
		roles := {
			"view": {"aggregationRule": {"clusterRoleSelectors": [selector]}},
			"services": object.union(to("to-view"), {"rules": [get_services]}),
		}
		rule(web, db, bound_everywhere(roles, "view")) == "rbac/denied"
	}
}

test_endpoints_are_of_their_service if {
	named := object.union(get_services, {"resourceNames": ["db"]})
	objects := bound([named], [account("shop", "web")])
	rule(web, {"kind": "endpoint", "namespace": "data", "name": "db"}, objects) == "rbac/granted"
	rule(web, {"kind": "endpoint", "namespace": "data", "name": "cache"}, objects) == "rbac/denied"
}

test_pods if {
	all := bound([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}], [account("shop", "web")])
	one := bound([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], "resourceNames": ["db-0"]}], [account("shop", "web")])
	known := {"kind": "pod", "namespace": "data", "name": "db-0"}
	rule(web, known, all) == "rbac/granted"
	rule(web, known, one) == "rbac/granted"
	rule(web, known, bound([get_services], [account("shop", "web")])) == "rbac/denied"
	rule(web, {"kind": "pod", "namespace": "data"}, all) == "rbac/granted"
	rule(web, {"kind": "pod", "namespace": "data"}, one) == "rbac/denied"
}

test_what_is_denied_looks_the_same if {
	there := judged(asks(web, "db.data.svc.cluster.local", db), {})
	there.action == "block"
	every what in [
		object.union(db, {"exists": false}),
		service("no-such-namespace", "db"),
		{"kind": "none", "namespace": "data"},
		{"kind": "pod", "namespace": "data"},
		{"kind": "endpoint", "namespace": "data", "name": "db"},
	] {
		judged(asks(web, "x.data.svc.cluster.local", what), {}) == there
	}
	judged(asks(web, "9.0.96.10.in-addr.arpa", {"kind": "none"}), {}) == there
	judged(asks(web, "1.0.96.10.in-addr.arpa", db), {}) == there
}

test_names_of_the_zone_and_outside if {
	rule(web, {"kind": "external"}, {}) == "rbac/external"
	judged(asks(web, "dns-version.cluster.local", {"kind": "none"}), {}).rule == "rbac/zone"
}

test_open_to_everybody if {
	every client in [web, {"kind": "host"}, {"kind": "unknown"}] {
		rule(client, service("default", "kubernetes"), {}) == "rbac/open"
	}
}

test_clients_that_are_no_pod if {
	objects := bound_everywhere({"all": {"rules": [get_services]}}, "all")
	every kind in ["host", "external", "ambiguous", "unknown"] {
		rule({"kind": kind}, db, objects) == "rbac/not-a-pod"
		not judged(asks({"kind": kind}, "www.shop.example", {"kind": "external"}), objects)
	}
}

test_a_pod_whose_account_is_not_known if {
	rule({"kind": "pod", "namespace": "shop"}, db, bound([get_services], [group("system:authenticated")])) == "rbac/denied"
}

test_without_objects_all_is_denied if rule(web, db, {}) == "rbac/denied"
