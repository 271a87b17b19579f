# Names of the cluster's zone that belong to nobody.
package dnspolicy.lib

# METADATA
# title: A name of the zone itself
# description: >-
#   Such as `cluster.local` and `dns-version.cluster.local`, asked by a pod. A reverse name nobody owns is not among them:
#   it would differ from one that somebody else owns, and so tell which addresses are in use. Nor is a transfer, which
#   hands out the names of all.
zone_name if {
	input.client.kind == "pod"
	input.target.kind == "none"
	not input.target.namespace
	name := input.query.name
	not endswith(name, ".arpa")
	not whole_zone
}

whole_zone if input.query.type in {"AXFR", "IXFR"}
