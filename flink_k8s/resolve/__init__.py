"""Merges the configuration sources into manifests, and derives everything else that the platform deploys."""
