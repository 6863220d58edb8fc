"""Errors, processes, files, and kubectl."""
