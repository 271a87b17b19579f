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

test_shadows_alone_say_nothing if {
	not decision with data.dnspolicy.candidates as {watched("admin", "block", "b")}
	not decision with data.dnspolicy.candidates as {watched("admin", "block", "b"), watched("default", "allow", "c")}
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
