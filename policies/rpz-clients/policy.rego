# Triggers by the client's address, for the policy `rpz`.
# dnspolicy-lint: ignore missing-metadata the folder rpz says it
package dnspolicy.rpz

# dnspolicy-lint: ignore class-per-client that is what this folder is for
client_addresses contains address if address := input.client.ip
