"""The Pulumi components, one per module."""
