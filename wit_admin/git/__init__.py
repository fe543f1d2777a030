"""Git for the forge: wire protocol, refs, storage and children. Knows no rows and no HTTP.

Who answers a git request: ``backend`` is the interface, ``in_process_backend`` answers what it can
without a child, ``child_backend`` runs git for the rest. Below them, each importing only from those
that follow (a contract in ``pyproject.toml``):

* ``fetches`` and ``pushes``: what can be asked, answered and refused.
* ``repositories`` on disk; ``remotes`` that are imported.
* ``refs`` and ``objects``, read from git's files without a process.
* ``children``: the git program, run under limits.
* ``files``: locks and atomic writes. ``pktline``: the framing of the wire protocol.
"""
