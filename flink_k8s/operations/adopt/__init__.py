"""Write the job files and the stack file of objects that exist in a cluster, so that a stack takes them over."""
