"""A command's failure, where all that say one can reach it at no cost."""


class CommandError(Exception):
    """A command cannot do what it was told: one clear message with what to do."""
