package dnspolicy.steps

all := input.target.endpoints

site := {"rule": "site/tested", "ttl": 5, "places": places} if {
	places := [[0, null, endpoint.ip] |
		some endpoint in left_for_site
		endpoint.labels.track in {"a", "c", "e"}
	]
	count(places) > 0
}
