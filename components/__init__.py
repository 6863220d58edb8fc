"""What Kubernetes gets: one component, one module. Components know settings, and nothing of tools or engines."""
