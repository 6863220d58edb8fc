"""The rules of `settings/rules` as a Pulumi policy pack: `make preview STACK=s POLICY=policy`."""
