package dnspolicy_rpz_clients_test

import data.dnspolicy.rpz.client_addresses

test_the_address_of_the_client if {
	client_addresses == {"10.9.9.9"} with input as {"client": {"kind": "external", "ip": "10.9.9.9"}}
}
