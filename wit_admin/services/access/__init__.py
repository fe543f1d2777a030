"""Who may do what: authentication, and the decisions about repositories and refs.

Read ``decision`` first: the one function that decides. ``gate`` asks it for git requests,
``admission`` for the JSON API, ``explanations`` for ``access explain``; ``ref_permissions`` decides
about single refs. ``authentication``, ``credentials`` and ``attempts`` find out who is asking;
``read_cache`` and ``known_public`` answer while the database is slow or gone.
"""
