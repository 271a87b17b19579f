package dnspolicy_lib_alias_test

import data.dnspolicy.lib.alias_of_ours
import data.dnspolicy.lib.suffixes_of
import data.dnspolicy.lib.typed

led(asked, via) := {"query": {"name": "edge.cdn.example", "asked": asked, "via": via}}

test_names_of_the_cluster if {
	every asked in ["db.shop.svc.cluster.local", "_sql._tcp.DB.shop.SVC.corp", "www.pay.example.shop.svc.cluster.local"] {
		alias_of_ours with input as led(asked, "cname")
		not alias_of_ours with input as led(asked, "client")
	}
	not alias_of_ours with input as led("www.pay.example", "cname")
}

test_what_was_typed if {
	typed == {"db"} with input as led("db.shop.svc.cluster.local", "cname")
	typed == {"www.pay.example"} with input as led("WWW.pay.example.shop.svc.cluster.local", "cname")
	typed == set() with input as led("shop.svc.cluster.local", "cname")
	typed == set() with input as led("www.pay.example", "cname")
}

test_suffixes if {
	suffixes_of("a.b.example") == ["a.b.example", "b.example", "example"]
}
