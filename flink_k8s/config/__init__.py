"""What users write: models of the stack config, YAML with positions, stack files, job files, and problems."""
