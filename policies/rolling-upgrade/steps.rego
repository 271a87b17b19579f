# dnspolicy-lint: ignore missing-metadata the library says it
package dnspolicy.steps

all := input.target.endpoints

version := data.dnspolicy.rolling_upgrade.of_version(left_for_version)
