# dnspolicy-lint: ignore missing-metadata the library says it
package dnspolicy.steps

all := input.target.endpoints

shard := data.dnspolicy.sharding.by_label(left_for_shard)

own := data.dnspolicy.sharding.by_hash(left_for_own)
