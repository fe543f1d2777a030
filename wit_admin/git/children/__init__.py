"""git as a child process: found, given its environment and limits, ended with its client."""
