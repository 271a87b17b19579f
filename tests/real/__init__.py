"""Tests beside the real things: kube-apiserver, CoreDNS, OPA. `make test-real` runs them in a network of their own."""
