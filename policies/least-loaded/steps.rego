# dnspolicy-lint: ignore missing-metadata the library says it
package dnspolicy.steps

all := input.target.endpoints

load := data.dnspolicy.least_loaded.choice(left_for_load)
