"""`make new JOB=name`: create the files of a new job."""
