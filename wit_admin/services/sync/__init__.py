"""``sync-repos``: the repository root and the database are made to agree.

Read ``repo_sync`` first. ``survey`` compares and plans, ``work`` carries out the ``actions``.
"""
