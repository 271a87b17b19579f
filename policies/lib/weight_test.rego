package dnspolicy_lib_weight_test

import data.dnspolicy.lib.weight

test_the_least_and_the_greatest_numbers if {
	weight(0, 0) == 0
	weight(1, 0) == 1
	weight(2147483646, 4294967295) == 2145386496
	weight(4294967295, 4294967295) == 2097153
}

test_every_key_has_an_order_of_its_own if {
	orders := {order |
		some key in numbers.range(1000, 1100)
		order := [which | some [_, which] in sort([[weight(hash, key), at] | some at, hash in [3735928559, 305419896, 2271560481]])]
	}
	count(orders) == 6
}
