"""`make bench`: what the program costs beside what does the same work, measured in the same run."""
