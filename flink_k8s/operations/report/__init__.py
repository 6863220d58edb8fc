"""The report about a stack: one HTML page."""
