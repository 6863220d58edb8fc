"""What a pending change does to each job: `python -m flink_k8s plan`.

`preview` reads what the engine would do, `spec_changes` compares specs as the operator does, `state` knows what a job
says of its state, `effects` decides what happens, `restore` whether a job finds its state again, `resources` counts CPU
and memory, `plan` puts the jobs together and `others` the rest, `report` writes it down.
"""
