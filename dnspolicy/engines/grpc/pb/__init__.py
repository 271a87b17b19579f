"""What `make proto` makes of `proto/dnspolicy/v1/policy.proto`."""
