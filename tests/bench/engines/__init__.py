"""What a decision costs, by engine, beside the raw round trip to an OPA.

`rows` measures. `processes` starts what decides elsewhere, on one core; `asker` puts questions to one engine and `dns`
to a server, both in processes of their own on the other core; `raw` is the least client an OPA can have. `memory` is a
decision that is known, `change` a large policy that changes while questions come.
"""
