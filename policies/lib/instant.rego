package dnspolicy.lib

# METADATA
# title: Nanoseconds since 1970 of a date and time
# description: >-
#   Of a text such as `2026-12-24T12:00:00+01:00`, of this century. Undefined for all else, so that no engine fails on it;
#   the 30th of February and its like are left to the engine, which decides nothing then.
instant(text) := time.parse_rfc3339_ns(text) if {
	is_string(text)
	regex.match(rfc3339, text)
}

rfc3339 := concat("", [
	`^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T`,
	`([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-][01][0-9]:[0-5][0-9])$`,
])
