package dnspolicy_steps_test

import data.dnspolicy.decision
import data.dnspolicy.steps.in_order
import data.dnspolicy.steps.taken

choice(step, rule) := {
	"tier": "default",
	"step": step,
	"action": "redirect",
	"endpoints": ["192.0.2.9"],
	"ttl": 5,
	"rule": rule,
	"reason": "because",
}

ready := [
	{"ip": "10.1.0.1", "zone": "n", "version": 1, "load": 9},
	{"ip": "10.1.0.2", "zone": "n", "version": 2, "load": 5},
	{"ip": "10.1.0.3", "zone": "s", "version": 2, "load": 1},
	{"ip": "10.1.0.4", "zone": "n", "version": 2, "load": 4},
]

of_version(left) := {"rule": "v/2", "ttl": 9, "places": places} if {
	places := [[0, null, e.ip] | some e in left; e.version == 2]
}

near(left) := {"rule": "n/zone", "ttl": 7, "places": places} if {
	places := [[0, e.load, e.ip] | some e in left; e.zone == "n"]
}

by_load(left) := {"rule": "l/order", "ttl": 8, "places": places} if {
	places := [[e.load, 0, e.ip] | some e in left]
}

start := {"left": ready, "steps": []}

versions := taken(start, of_version(start.left))

zone := taken(versions, near(versions.left))

loads := taken(zone, by_load(zone.left))

# What comes of candidates when the steps led to some state.
judged(candidates, state) := verdict if {
	verdict := decision with data.dnspolicy.candidates as candidates
		with data.dnspolicy.steps.all as ready
		with data.dnspolicy.steps.after_load as state
}

three := {choice("load", "l/order"), choice("near", "n/zone"), choice("version", "v/2")}

test_each_chooses_from_what_is_left if {
	judged(three, loads) == {
		"action": "redirect",
		"endpoints": ["10.1.0.4", "10.1.0.2"],
		"ttl": 7,
		"rule": "l/order",
		"reason": "of 4 endpoints: 3 by v/2, 2 by n/zone, 2 by l/order",
	}
}

# Ranks of an earlier step count before those of a later one; a step without ties leaves the order of equals as it was.
test_the_order if {
	ranked := {"rule": "r/one", "ttl": 5, "places": [[1, 0, "10.1.0.1"], [0, 7, "10.1.0.2"], [0, 3, "10.1.0.4"]]}
	first := taken(start, ranked)
	same := taken(first, {"rule": "s/same", "ttl": 5, "places": [[0, null, e.ip] | some e in ready]})
	judged(three, same).endpoints == ["10.1.0.4", "10.1.0.2", "10.1.0.1"]
	judged(three, taken(same, by_load(same.left))).endpoints == ["10.1.0.4", "10.1.0.2", "10.1.0.1"]
	other := taken(first, {"rule": "o/other", "ttl": 5, "places": [[0, 9 - e.load, e.ip] | some e in ready]})
	judged(three, other).endpoints == ["10.1.0.2", "10.1.0.4", "10.1.0.1"]
}

test_nothing_left_is_no_step if {
	not taken(start, {"rule": "n/none", "ttl": 1, "places": []})
	not taken(start, {"rule": "n/none", "ttl": 1, "places": [[0, 0, "192.0.2.1"]]})
	not taken(start, {"rule": "n/none", "ttl": 1, "places": [["near", 0, "10.1.0.1"]]})
	judged(three, start) == object.remove(choice("load", "l/order"), ["tier", "step"])
}

test_one_alone_is_as_it_is if {
	judged({choice("near", "n/zone")}, loads).endpoints == ["192.0.2.9"]
	beside := {choice("near", "n/zone"), object.union(choice("load", "l/order"), {"mode": "shadow"})}
	[judged(beside, loads).rule, judged(beside, loads).shadow[0].rule] == ["n/zone", "l/order"]
	other_tier := {choice("near", "n/zone"), object.union(choice("load", "l/order"), {"tier": "tenant"})}
	judged(other_tier, loads).endpoints == ["192.0.2.9"]
}

test_who_takes_part if {
	shadow := object.union(choice("own", "s/hash"), {"mode": "shadow"})
	higher := {object.union(c, {"tier": "admin"}) | some c in {choice("near", "n/zone"), choice("version", "v/2")}}
	data.dnspolicy.steps.taking_part == {"near", "version"} with data.dnspolicy.candidates as (three | {shadow}) - {choice("load", "l/order")}
	data.dnspolicy.steps.taking_part == {"near", "version"} with data.dnspolicy.candidates as higher | {choice("load", "l/order")}
}

test_what_leads_elsewhere_comes_before_endpoints if {
	alias := {"tier": "default", "action": "redirect", "cname": "web-v2.example", "rule": "z/alias", "reason": "because"}
	judged(three | {alias}, loads) == object.remove(alias, ["tier"])
	block := {"tier": "default", "action": "block", "rule": "z/block", "reason": "because"}
	judged(three | {alias, block}, loads).rule == "z/block"
}

# A choice without a step is nobody's neighbour: the rule whose name sorts first decides.
test_a_choice_without_a_step if {
	lone := object.remove(choice("near", "a/lone"), ["step"])
	judged(three | {lone}, loads) == object.remove(lone, ["tier"])
	judged(three | {object.union(lone, {"rule": "z/lone"})}, loads).rule == "l/order"
}

test_a_step_that_is_misspelt_is_refused if {
	broken := choice("naer", "n/zone")
	judged(three | {broken}, loads) == broken
	judged({broken}, loads) == broken
	watched := object.union(broken, {"mode": "shadow"})
	judged(three | {watched}, loads) == watched
}

test_in_order if {
	in_order({"places": [[1, 0, "a"], [0, 5, "c"], [0, 4, "d"], [0, 5, "b"]]}) == ["d", "b", "c", "a"]
}
