"""The effect of a pending change on each job: `python -m flink_k8s plan`.

`preview` parses the engine's preview, `spec_changes` compares specs as the operator does, `state` reads the options
about state from a job's resource, `effects` determines what happens to the job, `restore` whether the job finds its
state again, `resources` adds up CPU and memory, `plan` collects the jobs and `others` the other resources, `report`
formats the plan.
"""
