# A rule of one's own: a pod labelled `quarantine=true` resolves nothing any more.
package dnspolicy

candidates contains candidate if {
	input.client.labels.quarantine == "true"
	candidate := {
		"tier": "admin",
		"action": "block",
		"as": "refused",
		"rule": "site/quarantine",
		"reason": "the pod is in quarantine",
	}
}
