"""HTTP: routes, callers, and the bytes of git's smart protocol."""
