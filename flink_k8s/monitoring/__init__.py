"""Dashboards, alert rules and the configuration of kube-state-metrics."""
