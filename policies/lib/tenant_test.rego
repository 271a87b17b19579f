package dnspolicy_lib_test

import data.dnspolicy.lib.same_tenant

asking(client, target) := {"client": client, "target": target}

pod(namespace, labels) := {"kind": "pod", "namespace": namespace, "namespace_labels": labels}

service(namespace, labels) := {"kind": "service", "namespace": namespace, "namespace_labels": labels}

acorn := {"dns.example/tenant": "acorn"}

test_same_namespace if same_tenant with input as asking(pod("acorn", {}), service("acorn", {}))

test_same_label if same_tenant with input as asking(pod("acorn-web", acorn), service("acorn-db", acorn))

test_other_label if {
	not same_tenant with input as asking(pod("acorn", acorn), service("birch", {"dns.example/tenant": "birch"}))
}

test_label_on_one_side_only if {
	not same_tenant with input as asking(pod("acorn", acorn), service("birch", {}))
	not same_tenant with input as asking(pod("birch", {}), service("acorn", acorn))
}

test_a_namespace_named_like_a_tenant_is_not_of_it if {
	not same_tenant with input as asking(pod("acorn", {}), service("acorn-db", acorn))
}

test_an_empty_label_joins_nobody if {
	empty := {"dns.example/tenant": ""}
	not same_tenant with input as asking(pod("acorn", empty), service("birch", empty))
}

test_only_pods_have_a_tenant if {
	every kind in ["host", "external", "ambiguous", "unknown"] {
		client := {"kind": kind, "namespace": "acorn", "namespace_labels": acorn}
		not same_tenant with input as asking(client, service("acorn", acorn))
	}
}

test_a_target_without_namespace_is_nobodys if {
	not same_tenant with input as asking(pod("acorn", acorn), {"kind": "external"})
}
