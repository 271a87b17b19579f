package dnspolicy_lib_instant_test

import data.dnspolicy.lib.instant
import data.dnspolicy.lib.turn

test_instants if {
	instant("2026-12-24T12:00:00Z") == 1798113600000000000
	instant("2026-12-24T13:00:00+01:00") == 1798113600000000000
	instant("2026-12-24T12:00:00.5Z") == 1798113600500000000
}

test_what_is_none if {
	every text in ["", "never", "2026-12-24", "2026-12-24 12:00:00Z", "2026-12-24T12:00:00", "1999-12-24T12:00:00Z", 5, null] {
		not instant(text)
	}
}

test_nodes_have_numbers_of_their_own if {
	numbers_of_nodes := {number |
		some node in ["", "n1", "n2", "node-1", "node-2", "worker-12.example"]
		number := turn with input as {"client": {"node": node}}
	}
	count(numbers_of_nodes) == 6
	turn == 0 with input as {"client": {}}
}
