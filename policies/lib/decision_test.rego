package dnspolicy_test

import data.dnspolicy.decision

said(tier, action, rule) := {"tier": tier, "action": action, "rule": rule, "reason": "because"}

decided(action, rule) := {"action": action, "rule": rule, "reason": "because"}

watched(tier, action, rule) := object.union(said(tier, action, rule), {"mode": "shadow"})

test_nobody_says_anything if not decision with data.dnspolicy.candidates as set()

test_one_candidate_is_the_decision if {
	decision == decided("allow", "a") with data.dnspolicy.candidates as {said("default", "allow", "a")}
}

test_within_a_tier_block_redirect_rewrite_allow if {
	every tier in ["admin", "tenant", "default"] {
		block := said(tier, "block", "z")
		redirect := said(tier, "redirect", "y")
		rewrite := said(tier, "rewrite", "x")
		allow := said(tier, "allow", "w")
		decision == decided("block", "z") with data.dnspolicy.candidates as {block, redirect, rewrite, allow}
		decision == decided("redirect", "y") with data.dnspolicy.candidates as {redirect, rewrite, allow}
		decision == decided("rewrite", "x") with data.dnspolicy.candidates as {rewrite, allow}
	}
}

test_a_higher_tier_decides if {
	decision == decided("allow", "a") with data.dnspolicy.candidates as {
		said("admin", "allow", "a"),
		said("tenant", "block", "b"),
		said("default", "block", "c"),
	}
	decision == decided("allow", "b") with data.dnspolicy.candidates as {
		said("tenant", "allow", "b"),
		said("default", "block", "c"),
	}
}

test_equals_are_ordered_by_rule if {
	decision == decided("block", "a") with data.dnspolicy.candidates as {
		said("admin", "block", "b"),
		said("admin", "block", "a"),
	}
}

test_what_an_action_needs_stays if {
	sinkhole := object.union(said("admin", "block", "a"), {"as": "sinkhole", "addresses": ["192.0.2.66"], "ttl": 5})
	expected := object.remove(sinkhole, ["tier"])
	decision == expected with data.dnspolicy.candidates as {sinkhole}
	decision == expected with data.dnspolicy.candidates as {sinkhole, said("default", "allow", "b")}
}

test_a_shadow_is_listed_and_does_not_decide if {
	expected := object.union(decided("allow", "a"), {"shadow": [decided("block", "b")]})
	decision == expected with data.dnspolicy.candidates as {
		said("default", "allow", "a"),
		watched("admin", "block", "b"),
	}
}

test_mode_enforce_is_no_shadow if {
	block := object.union(said("admin", "block", "b"), {"mode": "enforce"})
	decision.rule == "b" with data.dnspolicy.candidates as {said("default", "allow", "a"), block}
	decision.rule == "b" with data.dnspolicy.candidates as {block}
}

# The server writes such a decision down, and does what it does for none.
test_shadows_alone_are_a_decision_in_shadow if {
	alone := object.union(decided("block", "b"), {"mode": "shadow", "shadow": []})
	decision == alone with data.dnspolicy.candidates as {watched("admin", "block", "b")}
	both := object.union(alone, {"shadow": [decided("allow", "c")]})
	decision == both with data.dnspolicy.candidates as {watched("admin", "block", "b"), watched("default", "allow", "c")}
}

test_no_more_shadows_than_a_decision_may_list if {
	many := {watched("admin", "block", sprintf("b%d", [number])) | some number in numbers.range(1, 100)}
	both := decision with data.dnspolicy.candidates as many | {said("default", "allow", "a")}
	count(both.shadow) == 64
	alone := decision with data.dnspolicy.candidates as many
	count(alone.shadow) == 64
}

test_a_table_opens_nothing_whether_or_not_somebody_reads_it if {
	answer := decision with data.dnspolicy.candidates as {said("default", "allow", "a")}
		with data.rollout as {"rules": {"a": {"mode": "shadow"}}}
	answer.mode != "enforce"
}

at(edges) := answer if {
	answer := decision with data.dnspolicy.candidates as {said("default", "allow", "a")}
		with data.dnspolicy.edges as edges
}

test_nobody_reads_the_clock if at(set()) == decided("allow", "a")

test_a_decision_lives_until_the_first_edge if {
	at({90, 30.9, 3600}).ttl == 30
	at({1000000}).ttl == 86400
	at({0}).ttl == 0
	at({-5}).ttl == 0
}

test_a_shorter_life_of_its_own_stays if {
	candidate := object.union(said("default", "allow", "a"), {"ttl": 5})
	short := decision with data.dnspolicy.candidates as {candidate} with data.dnspolicy.edges as {30}
	short.ttl == 5
	long := decision with data.dnspolicy.candidates as {candidate} with data.dnspolicy.edges as {3}
	long.ttl == 3
}

# The server refuses a life that is no number.
test_an_edge_that_is_no_number_is_a_bad_decision if {
	every edges in [{"soon"}, {30, "soon"}, {null, 30}, {true}] {
		not is_number(at(edges).ttl)
	}
	candidate := object.union(said("default", "allow", "a"), {"ttl": "soon"})
	answer := decision with data.dnspolicy.candidates as {candidate} with data.dnspolicy.edges as {30}
	not is_number(answer.ttl)
}

test_edges_alone_decide_nothing if {
	not decision with data.dnspolicy.candidates as set() with data.dnspolicy.edges as {30}
}

# The server refuses all of these, as they have a key or a value that no decision has.
test_a_malformed_candidate_is_handed_on_to_be_refused if {
	every broken in [
		said("admni", "block", "z"),
		said("admin", "blok", "z"),
		object.remove(said("admin", "block", "z"), ["tier"]),
		object.remove(said("admin", "block", "z"), ["rule"]),
		object.union(said("admin", "block", "z"), {"mode": "shade"}),
	] {
		decision == broken with data.dnspolicy.candidates as {said("admin", "allow", "a"), broken}
	}
}

test_a_malformed_shadow_is_handed_on_too if {
	broken := object.remove(watched("admin", "block", "z"), ["reason"])
	decision == broken with data.dnspolicy.candidates as {said("admin", "allow", "a"), broken}
}

test_a_malformed_candidate_alone_never_looks_like_a_decision if {
	decision == said("admni", "allow", "z") with data.dnspolicy.candidates as {said("admni", "allow", "z")}
}

lifted(candidates) := answer if {
	answer := decision with data.dnspolicy.candidates as candidates
		with data.dnspolicy.exceptions.lifted as {"b": "EX-1 until tomorrow"}
}

test_what_an_exception_lifts_is_in_shadow_and_says_why if {
	would := {"action": "block", "rule": "b", "reason": "because; EX-1 until tomorrow"}
	both := {said("default", "allow", "a"), said("admin", "block", "b")}
	lifted(both) == object.union(decided("allow", "a"), {"shadow": [would]})
	alone := lifted({said("admin", "block", "b")})
	[alone.mode, alone.rule] == ["shadow", "b"]
}

test_an_exception_lifts_nothing_else if {
	lifted({said("default", "allow", "a"), said("admin", "block", "c")}) == decided("block", "c")
	lifted({said("default", "allow", "b")}) == decided("allow", "b")
}
