package dnspolicy_lib_zone_test

import data.dnspolicy.lib.zone_name

asking(kind, name, target) := {"client": {"kind": kind}, "query": {"name": name, "type": "A"}, "target": target}

test_names_of_the_zone if {
	every name in ["cluster.local", "dns-version.cluster.local", "www.shop.example.cluster.local"] {
		zone_name with input as asking("pod", name, {"kind": "none"})
	}
}

test_no_names_of_the_zone if {
	not zone_name with input as asking("host", "cluster.local", {"kind": "none"})
	not zone_name with input as asking("pod", "9.0.96.10.in-addr.arpa", {"kind": "none"})
	not zone_name with input as asking("pod", "x.y.z.w.shop.svc.corp", {"kind": "none", "namespace": "shop"})
	not zone_name with input as asking("pod", "www.shop.example", {"kind": "external"})
}

test_not_the_zone_as_a_whole if {
	every type in ["AXFR", "IXFR"] {
		request := object.union(asking("pod", "cluster.local", {"kind": "none"}), {"query": {"type": type}})
		not zone_name with input as request
	}
}
