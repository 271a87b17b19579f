package dnspolicy_lib_hours_test

import data.dnspolicy.lib.hours_at

within(hours, ns) if hours_at(hours, ns)[0]

seconds_to_edge(hours, ns) := hours_at(hours, ns)[1]

at(text) := time.parse_rfc3339_ns(text)

night := {"from": "02:00", "to": "04:00"}

over := {"from": "22:00", "to": "06:00", "days": ["fri"]}

berlin := {"from": "02:00", "to": "04:00", "zone": "Europe/Berlin"}

test_from_is_in_and_to_is_out if {
	not within(night, at("2026-12-01T01:59:59.999999999Z"))
	within(night, at("2026-12-01T02:00:00Z"))
	within(night, at("2026-12-01T03:59:59.999999999Z"))
	not within(night, at("2026-12-01T04:00:00Z"))
	not within(night, at("2026-12-01T14:30:00Z"))
}

test_any_offset_is_the_same_instant if within(night, at("2026-12-01T07:30:00+05:30"))

# 2026-12-04 is a Friday.
test_over_midnight_counts_for_the_day_it_begins if {
	not within(over, at("2026-12-04T21:59:59Z"))
	within(over, at("2026-12-04T22:00:00Z"))
	within(over, at("2026-12-04T23:59:59Z"))
	within(over, at("2026-12-05T00:00:00Z"))
	within(over, at("2026-12-05T05:59:59Z"))
	not within(over, at("2026-12-05T06:00:00Z"))
	not within(over, at("2026-12-05T22:30:00Z"))
	not within(over, at("2026-12-04T05:00:00Z"))
}

test_days_are_those_of_the_zone if {
	saturday := {"from": "00:00", "to": "24:00", "zone": "Asia/Tokyo", "days": ["sat"]}
	not within(saturday, at("2026-12-04T14:59:59Z"))
	within(saturday, at("2026-12-04T15:00:00Z"))
	within(saturday, at("2026-12-05T14:59:59Z"))
	not within(saturday, at("2026-12-05T15:00:00Z"))
}

test_from_that_is_to_is_a_day if {
	day := {"from": "08:00", "to": "08:00", "days": ["mon"]}
	within(day, at("2026-12-07T08:00:00Z"))
	within(day, at("2026-12-08T07:59:59Z"))
	not within(day, at("2026-12-08T08:00:00Z"))
	not within(day, at("2026-12-07T07:59:59Z"))
}

test_seconds_to_the_edge if {
	seconds_to_edge(night, at("2026-12-01T01:00:00Z")) == 3600
	seconds_to_edge(night, at("2026-12-01T02:00:00Z")) == 7200
	seconds_to_edge(night, at("2026-12-01T03:59:59.5Z")) == 0.5
	seconds_to_edge(night, at("2026-12-01T04:00:00Z")) == 22 * 3600
	seconds_to_edge({"from": "00:00", "to": "24:00"}, at("2026-12-01T00:00:00Z")) == 86400
	seconds_to_edge({"from": "00:00", "to": "24:00"}, at("2026-12-01T23:59:00Z")) == 60
}

# At 01:00Z the clocks go from 02:00 to 03:00: an hour of the two is left out.
test_spring if {
	not within(berlin, at("2026-03-29T00:59:59Z"))
	within(berlin, at("2026-03-29T01:00:00Z"))
	within(berlin, at("2026-03-29T01:59:59Z"))
	not within(berlin, at("2026-03-29T02:00:00Z"))
}

# At 01:00Z the clocks go from 03:00 back to 02:00: there are three hours of two.
test_autumn if {
	not within(berlin, at("2026-10-24T23:59:59Z"))
	within(berlin, at("2026-10-25T00:00:00Z"))
	within(berlin, at("2026-10-25T00:59:59Z"))
	within(berlin, at("2026-10-25T01:30:00Z"))
	within(berlin, at("2026-10-25T02:59:59Z"))
	not within(berlin, at("2026-10-25T03:00:00Z"))
}

test_before_a_change_the_edge_is_the_next_minute if {
	seconds_to_edge(berlin, at("2026-10-25T00:30:20Z")) == 40
	seconds_to_edge(berlin, at("2026-10-25T00:59:59Z")) == 1
	seconds_to_edge(berlin, at("2026-10-25T01:00:00Z")) == 7200
	left_out := {"from": "02:30", "to": "02:45", "zone": "Europe/Berlin"}
	seconds_to_edge(left_out, at("2026-03-29T00:30:00Z")) == 60
	seconds_to_edge(left_out, at("2026-03-29T01:00:00Z")) == 84600
}

test_malformed_hours_are_none if {
	every hours in [
		{}, "02:00-04:00", [], {"from": "02:00"}, {"from": "2:00", "to": "04:00"}, {"from": "02:00", "to": "24:01"}, {"from": "02:60", "to": "04:00"}, {"from": "x2:00", "to": "04:00"},
		{"from": "02-00", "to": "04:00"}, {"from": "2x:00", "to": "04:00"},
		{"from": "24:00", "to": "04:00"}, {"from": 2, "to": 4}, object.union(night, {"zone": "CET+1"}),
		object.union(night, {"zone": "Local"}), object.union(night, {"zone": 1}), object.union(night, {"days": []}),
		object.union(night, {"days": ["monday"]}), object.union(night, {"days": "mon"}),
		object.union(night, {"tz": "UTC"}),
	] {
		not hours_at(hours, at("2026-12-01T03:00:00Z"))
	}
}
