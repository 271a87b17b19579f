package dnspolicy_lib_names_test

import data.dnspolicy.lib.gone
import data.dnspolicy.lib.named_service
import data.dnspolicy.lib.service

asking(name, target) := {
	"query": {"labels": split(name, "."), "suffixes": [suffix |
		parts := split(name, ".")
		some i, _ in parts
		suffix := concat(".", array.slice(parts, i, count(parts)))
	]},
	"target": target,
}

db := {"kind": "service", "namespace": "shop", "name": "db"}

test_another_service_in_the_same_zone if {
	named_service("pay", "vault") == "vault.pay.svc.cluster.local" with input as asking("db.shop.svc.cluster.local", db)
	named_service("pay", "vault") == "vault.pay.svc.corp" with input as asking("db.shop.svc.corp", db)
	named_service("pay", "vault") == "vault.pay.svc" with input as asking("db.shop.svc", db)
}

test_a_port_stays if {
	named_service("pay", "vault") == "_sql._tcp.vault.pay.svc.corp" with input as asking("_sql._tcp.db.shop.svc.corp", db)
}

test_odd_names if {
	svc := {"kind": "service", "namespace": "svc", "name": "svc"}
	named_service("pay", "vault") == "vault.pay.svc.corp" with input as asking("svc.svc.svc.corp", svc)
	port := asking("_sql._tcp.svc.shop.svc.corp", {"kind": "service", "namespace": "shop", "name": "svc"})
	named_service("pay", "vault") == "_sql._tcp.vault.pay.svc.corp" with input as port
}

test_what_is_no_name_of_a_service if {
	not named_service("pay", "vault") with input as asking("20.2.96.10.in-addr.arpa", db)
	not named_service("pay", "vault") with input as asking("db-0.db.shop.svc.corp", {"kind": "endpoint"})
	not named_service("pay", "vault") with input as asking("www.shop.example", {"kind": "external"})
}

test_service if {
	service == "shop/db" with input as asking("db.shop.svc.cluster.local", db)
	not service with input as asking("www.shop.example", {"kind": "external"})
}

test_gone if {
	fed := {"shop": {"db": {}}}
	gone("shop", "cache") with data.kubernetes.services as fed
	gone("pay", "db") with data.kubernetes.services as fed
	not gone("shop", "db") with data.kubernetes.services as fed
	not gone("shop", "cache") with data.kubernetes as {}
}

test_only_services_are_called_like_one if {
	every kind in ["service", "endpoint"] {
		service == "shop/db" with input as asking("db.shop.svc.corp", object.union(db, {"kind": kind}))
	}
	not service with input as asking("10-1-2-3.shop.pod.corp", object.union(db, {"kind": "pod"}))
}
