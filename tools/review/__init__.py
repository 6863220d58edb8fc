"""What a branch changes, as the one comment of its pull request: `python -m tools.review`, `make review BASE=main`."""
