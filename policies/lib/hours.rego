# Hours of a day in a time zone, and when they begin or end next.
#
#     {"from": "22:00", "to": "06:00", "zone": "Europe/Berlin", "days": ["mon", "tue"]}
#
# What counts is the clock on the wall: an hour that is left out in spring does not come, and one that comes twice in
# autumn counts twice. Hours over midnight are of the day on which they begin.
package dnspolicy.lib

# METADATA
# title: Whether an instant is within hours, and the seconds until they begin or end next
# description: >-
#   As `[inside, seconds]`, the seconds with a fraction; `ns` are nanoseconds since 1970, as of `time.now_ns`. When the
#   zone's offset changes before that, it is the seconds until the next full minute: offsets change at full minutes only,
#   so that nothing reaches across the change. Undefined for hours that are not well formed. The zone is not looked up;
#   with one that is unknown nothing is decided.
hours_at(hours, ns) := [inside, seconds] if {
	is_object(hours)
	object.keys(hours) - {"from", "to", "zone", "days"} == set()
	begin := second_of(hours.from)
	begin < 86400
	end := second_of(hours.to)
	zone := object.get(hours, "zone", "UTC")
	is_zone(zone)
	days := object.get(hours, "days", week)
	are_days(days)
	second := second_of_day(zone, ns)
	inside := opens(begin, end, second, days, lower(substring(time.weekday([ns, zone]), 0, 3)))
	seconds := to_edge(min([ahead(second, begin), ahead(second, end)]), second, zone, ns)
}

opens(begin, end, second, days, today) if {
	begin < end
	second >= begin
	second < end
	today in days
} else if {
	begin >= end
	second >= begin
	today in days
} else if {
	begin >= end
	second < end
	day_before[today] in days
} else := false

to_edge(whole, second, zone, ns) := whole - ((ns % 1000000000) / 1000000000) if {
	second_of_day(zone, ns + (whole * 1000000000)) == (second + whole) % 86400
} else := (60000000000 - (ns % 60000000000)) / 1000000000

# 1 to 86400, as the clock on the wall has it now.
ahead(second, mark) := 86400 - (((second + 86400) - mark) % 86400)

second_of_day(zone, ns) := ((hour * 3600) + (minute * 60)) + second if [hour, minute, second] := time.clock([ns, zone])

# `HH:MM` in seconds, up to `24:00`.
second_of(text) := (hour * 3600) + (minute * 60) if {
	is_string(text)
	count(text) == 5
	substring(text, 2, 1) == ":"
	hour := two_digits(substring(text, 0, 2))
	minute := two_digits(substring(text, 3, 2))
	minute < 60
	(hour * 60) + minute <= 1440
}

# Not by `to_number`: engines do not agree on numbers that begin with a zero.
two_digits(text) := (10 * tens) + ones if {
	tens := indexof("0123456789", substring(text, 0, 1))
	ones := indexof("0123456789", substring(text, 1, 1))
	tens >= 0
	ones >= 0
}

is_zone(name) if {
	name == "UTC"
} else if {
	is_string(name)
	contains(name, "/")
}

are_days(days) if {
	is_array(days)
	count(days) > 0
	every day in days {
		day in week
	}
}

week := ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

day_before := {
	"mon": "sun", "tue": "mon", "wed": "tue", "thu": "wed",
	"fri": "thu", "sat": "fri", "sun": "sat",
}
