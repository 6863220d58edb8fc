"""What a branch changes, as the one comment of its pull request: `make review BASE=main`."""
