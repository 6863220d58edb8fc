"""The rules that a stack and its manifests must pass before anything is registered."""
