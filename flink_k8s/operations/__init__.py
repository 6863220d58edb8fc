"""The operations on a stack and its jobs: deploy, plan, review, suspend, drift, demo and so on."""
