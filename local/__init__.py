"""The program without the `pulumi` command: a monitor that runs `__main__.py` in process, and what it feeds.

It is no second engine. It keeps no state, computes no difference, protects nothing from a replacement and runs no
resource hooks: those are Pulumi's, and are tested with the real command where that is on PATH.
"""
