"""Runs __main__.py in process, without an engine: record, render, graph. Nothing here changes a cluster."""
