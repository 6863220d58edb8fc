"""The program without an engine: a monitor that runs `__main__.py` in process and records what it registers.

It is read-only: it renders, draws and checks what a stack declares. Only the `pulumi` command changes a cluster.
"""
