"""`make new JOB=name`: a job's code, manifest and tests, to begin with."""
