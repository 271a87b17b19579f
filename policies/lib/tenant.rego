# Facts that several policies need. What is not known is undefined, never true.
package dnspolicy.lib

# The client is a pod of the same tenant as what it asks for: the same namespace, or namespaces with the same label. A
# namespace without the label is a tenant of its own: merely having the name of a tenant does not let it in.
same_tenant if {
	input.client.kind == "pod"
	input.client.namespace == input.target.namespace
} else if {
	input.client.kind == "pod"
	tenant := input.client.namespace_labels["dns.example/tenant"]
	tenant != ""
	tenant == input.target.namespace_labels["dns.example/tenant"]
}
