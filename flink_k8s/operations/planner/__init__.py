"""Flink's planner on this machine: it plans the statements of SQL jobs, and runs none of them.

`script` selects the statements that it can plan, `jars` downloads it, `run` runs it, and `check` reports its errors.
"""
