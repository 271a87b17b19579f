package dnspolicy.lib

# METADATA
# title: A number for the client's node
# description: >-
#   So that each node has an order of its own (see `weight`), without a class of clients for each pod. It is made of the
#   places of the letters in the node's name.
turn := sum([value |
	letters := split(object.get(input.client, "node", ""), "")
	some at, letter in letters
	value := ((at * at) + 31) * (indexof("0123456789abcdefghijklmnopqrstuvwxyz-.", letter) + 2)
])
