# Names of services in the cluster's zone, whatever the zone is called.
# METADATA
# scope: package
# title: Facts that several policies need
# schemas:
#   - input: schema.input
package dnspolicy.lib

# METADATA
# title: The same question about another service
# description: >-
#   `db.shop.svc.cluster.local` with `("pay", "vault")` is `vault.pay.svc.cluster.local`; what stands before the service,
#   such as `_sql._tcp`, stays. Undefined for all that is not the name of a service, such as a reverse name.
named_service(namespace, name) := found if {
	input.target.kind == "service"
	input.query.labels[2] == "svc"
	input.query.labels[1] == input.target.namespace
	found := concat(".", [name, namespace, input.query.suffixes[2]])
} else := found if {
	input.target.kind == "service"
	input.query.labels[4] == "svc"
	input.query.labels[3] == input.target.namespace
	found := concat(".", [input.query.labels[0], input.query.labels[1], name, namespace, input.query.suffixes[4]])
}

# What tables call the service that is asked for: `NAMESPACE/SERVICE`. A pod may have the name of a service.
service := concat("/", [input.target.namespace, input.target.name]) if input.target.kind in {"service", "endpoint"}

# METADATA
# title: A service that is not there
# description: >-
#   Known only when services are fed as data below `kubernetes`, by namespace and name; otherwise nothing is gone.
gone(namespace, name) if {
	services := data.kubernetes.services
	not services[namespace][name]
}
