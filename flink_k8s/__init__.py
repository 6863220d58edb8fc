"""The platform's own packages; docs/architecture.md has the table of what may import what."""
