package quarantine_test

import data.dnspolicy.decision

asks(labels) := {
	"phase": "query",
	"client": {"kind": "pod", "namespace": "acorn-prod", "labels": labels},
	"query": {"name": "web.acorn-prod.svc.cluster.local", "suffixes": [], "via": "client"},
	"target": {"kind": "service", "namespace": "acorn-prod", "name": "web"},
}

test_quarantined_pod if {
	verdict := decision with input as asks({"quarantine": "true"})
	[verdict.action, verdict.rule] == ["block", "site/quarantine"]
}

test_other_pods if {
	verdict := decision with input as asks({"app": "web"})
	verdict.rule == "tenant/own"
}
