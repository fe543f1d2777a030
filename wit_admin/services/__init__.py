"""Use cases: one module each, and the only place that opens a transaction.

From the top; a package imports only from packages below it (a contract in ``pyproject.toml``):

* ``periodic``: the jobs of ``wit-admin sync``. ``seeding``: example data, described in ``seeds``.
* ``watcher`` notices what changes in jj repositories; ``sync`` makes database and disk agree;
  ``housekeeping`` cleans up; ``schema_plans`` shows what a rollback of the database removes.
* ``pushes``: carried out, journalled, recorded.
* ``jj``: rows of jj repositories, written and listed.
* ``organizations``, ``accounts``, what both have in common as ``owners`` of repositories, and
  ``repositories``: what operators administer.
* ``audit``: who changed what. ``lookups``: rows by the names that people type.
* ``access``: who may do what, decided in one place.
* ``plans`` for commands that change many things, ``locks`` between processes, ``servers``.
"""
