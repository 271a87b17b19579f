# dnspolicy-lint: ignore missing-metadata the library says it
package dnspolicy.steps

all := input.target.endpoints

near := data.dnspolicy.closest.choice(left_for_near)
