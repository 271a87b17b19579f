"""The same cluster and Corefile under CoreDNS and under this server: the same answers, but for a short table."""
