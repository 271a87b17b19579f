"""The Kubernetes API server as the source of the cluster index."""
