"""What accounts and organizations have in common: they own repositories.

Renamed, merged or removed, an owner takes its repositories along, or leaves them to somebody.
"""
