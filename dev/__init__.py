"""The maintainers' tools: golden renders, schema, dashboards, lock files, supply chain, benchmarks."""
