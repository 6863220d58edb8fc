"""The changes of a branch, as a comment of its pull request: `make review BASE=main`."""
