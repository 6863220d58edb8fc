"""`make bench`: measure the program, compared with other tools that do the same work."""
