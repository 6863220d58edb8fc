"""Behind the Make targets: engines, clusters, the demo. Not part of the program."""
