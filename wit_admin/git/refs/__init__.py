"""Refs: read from git's files without a process, cached, advertised, moved under git's locks.

Read ``snapshot`` first; ``advertisement`` writes what clients see of it.
"""
