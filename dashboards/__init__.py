"""Grafana dashboards and alert rules as code. What the program reads of it needs no package but the program's own."""
