"""The watcher: notices what jj does in repositories, and syncs it into the database.

``service`` is the loop; read it first. ``inventory`` asks the database which repositories there
are, ``membership`` keeps ``watch_list`` up to date with the answer, ``detector`` looks for news on
disk, ``schedule`` decides when to sync, ``syncs`` runs the syncs in a ``pool``, and ``lease``
prevents commits by a process whose repositories were taken over by another.
"""
