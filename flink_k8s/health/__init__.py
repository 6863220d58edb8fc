"""Whether a job is healthy, and the reason if it is not."""
