"""Git for the forge: wire protocol, refs, storage and children. Knows no rows and no HTTP.

By subject, each beginning with the module to read first:

* Who answers a git request: ``backend`` is the interface, ``in_process_backend`` answers what it
  can without a child, ``child_backend`` runs git for the rest.
* Answers in process: ``advertisement``, ``ref_cache``, ``answer_cache``, ``in_process_push``.
* The wire protocol: ``pktline``, ``commands`` (what a push asks), ``report`` (what git did).
* Pushes that must be checked: ``push_guard``, ``guarded_push``, ``hooks``, ``push_checks``.
* git as a child: ``program``, ``environment``, ``children``, ``limited_child``, ``fallback``.
* Refs: ``refs``, ``packed_refs``, ``ref_values``, ``ref_move``, ``ref_names``, ``reflog``.
* Objects: ``object_reader``, ``plain_objects``, ``small_pack``, ``ancestry``.
* Repositories on disk: ``storage``, ``own_config``, ``inspection`` (may git open it?), ``walk``.
* Imports and upkeep: ``sources``, ``remotes``, ``staging``, ``maintenance``, ``sweep``.
"""
