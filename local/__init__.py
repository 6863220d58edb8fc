"""The program without the `pulumi` command: a monitor that runs `__main__.py` in process, and what it feeds.

It is no second engine. It keeps no state and computes no difference: a release's `before_create` and `before_update`
hooks are the only ones that it runs. The rest is Pulumi's, and is tested with the real command where that is on PATH.
"""
