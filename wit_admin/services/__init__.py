"""Use cases: one module each, and the only place that opens a transaction.

By subject, each beginning with the module to read first:

* A git request is authorized: ``gate``, ``access``, ``ref_permissions``, ``authentication``,
  ``read_cache``, ``targets``; ``explanations`` says why.
* A push is carried out and recorded: ``push_flow``, ``push_guards``, ``push_creation``, ``pushes``,
  ``journal``, ``pushed_changes``.
* Accounts and their credentials: ``accounts``, ``account_changes``, ``account_merge``,
  ``sessions``, ``credentials``, ``attempts``, ``ssh_keys``.
* Organizations: ``organizations``, ``organization_members``, ``teams``, ``team_members``,
  ``team_repositories``; removal and renaming of any owner: ``owner_removal``, ``owner_renaming``.
* Repositories: ``repositories``, ``repository_creation``, ``repository_import``,
  ``repository_edits``, ``repository_changes``, ``trash``, ``collaborators``, ``protections``.
* Database and disk are kept consistent: ``repo_sync`` and ``sync_*``.
* Jujutsu: ``jj_sync`` writes the rows, ``jj_reading`` lists them, ``watcher`` notices changes,
  ``watch_sync`` reads one repository.
* Periodic work: ``periodic``, ``housekeeping``, ``maintenance``.
* What many use: ``plans`` for commands that change many things, ``locks`` between processes,
  ``audit`` for who changed what, ``lookups`` for names that people type, ``repository_folders``
  and ``config_values`` for where a repository goes and what its config says.
"""
