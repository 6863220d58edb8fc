"""The effect of a pending change on each job: `python -m flink_k8s plan`.

`preview` parses the engine's preview, `flink_k8s/plan` evaluates it, `report` formats the plan.
"""
