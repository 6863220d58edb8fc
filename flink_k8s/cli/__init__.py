"""`python -m flink_k8s`: the command line. Nothing imports this folder."""
