"""The effect of a change on each job; `plan`, `review`, `suspend` and the program's guards use it.

`steps` are the changes of an engine's preview. `spec_changes` compares specs as the operator does, `state` reads the
options about state from a job's resource, `sql_state` compares the plans of a SQL job, `effects` determines what
happens to the job, `restore` whether the job finds its state again, `resources` adds up CPU and memory, `plan` collects
the jobs and `others` the other resources. `reasons` prints the reasons of an effect.
"""
