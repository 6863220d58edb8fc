"""Savepoints and retained checkpoints of jobs: where they are recorded, which files exist, which one a job restores.

`state_snapshot` describes them, `directories` and `listing` list a job's directories by a pod, `collect`
combines all sources, and `restore` resolves `restoreFrom`.
"""
