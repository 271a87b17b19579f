# Consistent hashing with plain integers: the same in every engine.
package dnspolicy.lib

# METADATA
# title: What an endpoint weighs for a client
# description: >-
#   For one key the endpoints with their hashes have an order of their own, which does not change when others come or go
#   (rendezvous hashing). Both numbers are from 0 to 4294967295; no step comes above 2^53.
weight(hash, key) := (((hash % 2147483647) * ((key % 2097152) + 1)) + key) % 2147483647
