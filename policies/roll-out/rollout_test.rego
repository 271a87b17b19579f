package dnspolicy_rollout_test

import data.dnspolicy.decision

block := {"tier": "admin", "action": "block", "rule": "site/new", "reason": "on trial"}

open := {"tier": "default", "action": "allow", "rule": "site/open", "reason": "no policy yet"}

blocked := object.remove(block, ["tier"])

watched := {"action": "allow", "rule": "site/open", "reason": "no policy yet", "shadow": [blocked]}

client(bucket) := {"client": {"namespace": "acorn", "bucket": bucket, "owner": {"bucket": 99 - bucket}}}

# What is decided for the client, with this entry for the rule that blocks.
said(entry, who) := answer if {
	answer := decision with data.dnspolicy.candidates as {block, open}
		with data.rollout as {"rules": {"site/new": entry}}
		with input as who
}

test_a_rule_without_entry_is_enforced if {
	answer := decision with data.dnspolicy.candidates as {block, open}
		with data.rollout as {"rules": {"site/other": {"mode": "shadow"}}}
		with input as client(0)
	answer == blocked
}

test_without_a_table_all_is_enforced if {
	answer := decision with data.dnspolicy.candidates as {block, open} with input as client(0)
	answer == blocked
}

test_shadow if said({"mode": "shadow"}, client(0)) == watched

test_enforce if said({"mode": "enforce"}, client(99)) == blocked

test_a_share_of_clients if {
	every bucket in [0, 9] {
		said({"mode": "enforce", "percent": 10}, client(bucket)) == blocked
	}
	every bucket in [10, 99] {
		said({"mode": "enforce", "percent": 10}, client(bucket)) == watched
	}
}

test_nobody_and_everybody if {
	every bucket in [0, 50, 99] {
		said({"mode": "enforce", "percent": 0}, client(bucket)) == watched
		said({"mode": "enforce", "percent": 100}, client(bucket)) == blocked
	}
}

test_a_share_of_workloads if {
	entry := {"mode": "enforce", "percent": 10, "of": "workloads"}
	said(entry, client(99)) == blocked
	said(entry, client(0)) == watched
}

test_a_client_without_workload_counts_by_itself if {
	entry := {"mode": "enforce", "percent": 10, "of": "workloads"}
	said(entry, {"client": {"bucket": 5}}) == blocked
	said(entry, {"client": {"bucket": 50}}) == watched
}

test_a_namespace_of_its_own if {
	inside := {"mode": "shadow", "namespaces": {"acorn": {"mode": "enforce"}}}
	outside := {"mode": "enforce", "namespaces": {"acorn": {"mode": "enforce", "percent": 10}}}
	said(inside, client(50)) == blocked
	said(inside, {"client": {"namespace": "birch", "bucket": 50}}) == watched
	said(inside, {"client": {"bucket": 50}}) == watched
	said(outside, client(50)) == watched
	said(outside, {"client": {"namespace": "birch", "bucket": 50}}) == blocked
}

test_an_allow_in_shadow_opens_nothing if {
	answer := decision with data.dnspolicy.candidates as {open}
		with data.rollout as {"rules": {"site/open": {"mode": "shadow"}}}
		with input as client(0)
	answer == {"action": "allow", "rule": "site/open", "reason": "no policy yet", "mode": "shadow", "shadow": []}
}

# The server refuses each of these: `mode` is none that a decision has.
test_a_malformed_entry_is_a_bad_decision if {
	every entry in [
		"shadow", 7, null, [], {},
		{"mode": "shade"},
		{"percent": 10},
		{"mode": "enforce", "percent": 101},
		{"mode": "enforce", "percent": -1},
		{"mode": "enforce", "percent": "10"},
		{"mode": "enforce", "percent": null},
		{"mode": "enforce", "of": "nodes"},
		{"mode": "enforce", "procent": 10},
		{"mode": "shadow", "percent": 10},
		{"mode": "shadow", "namespaces": ["acorn"]},
		{"mode": "shadow", "namespaces": {"acorn": "enforce"}},
		{"mode": "shadow", "namespaces": {"acorn": {"mode": "enforce", "percent": 1000}}},
	] {
		said(entry, client(0)).mode == "its entry in data.rollout.rules is malformed"
	}
}

test_a_malformed_table_is_a_bad_decision if {
	every table in ["shadow", [], {}, {"rule": {}}, {"rules": []}, {"rules": {}, "more": {}}] {
		answer := decision with data.dnspolicy.candidates as {open} with data.rollout as table with input as client(0)
		answer.mode == "data.rollout is to hold rules, by their names, and nothing else"
	}
}
