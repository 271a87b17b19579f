"""What Kubernetes says: objects from manifests or an API server, one index of them, who asks and what is asked for."""
