"""The rules of `flink_k8s/checks` as a Pulumi policy pack: `make preview STACK=s POLICY=policy`."""
