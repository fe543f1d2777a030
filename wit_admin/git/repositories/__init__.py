"""Bare repositories on disk: created, found, inspected before git opens them, summarized, packed.

Read ``storage`` first.
"""
