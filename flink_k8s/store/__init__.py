"""Short-lived pods with a job's image, account, mounts, environment and file systems, which read or write its store.

Only the job's pods have the credentials, the network and the mounts for its storage; the user's machine may have none.
`pod` builds them, `run` runs them, and `jar_upload` copies a jar of the project into the store.
"""
