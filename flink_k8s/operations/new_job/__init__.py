"""`make new JOB=name`: create code, manifest and tests of a new job."""
