"""Savepoints and retained checkpoints of jobs: where they are recorded, which files exist, which one a job restores.

`state_snapshot` describes them, `listing_pod` and `listing` list a job's directories by a pod in the cluster, `collect`
combines all sources, and `restore` resolves `restoreFrom`.
"""
