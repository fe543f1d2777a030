"""Objects: read, parsed and written without a process; ancestry is asked of git."""
