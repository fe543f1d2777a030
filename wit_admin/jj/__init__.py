"""Reads Jujutsu repositories from their own stores, while jj may be writing them; needs no jj.

It writes nothing, takes no locks and runs no programs. It can be used without the rest of
``wit_admin``. By subject, each beginning with the module to read first:

* One repository at one moment: ``repository``, ``layout`` (where its stores are), ``git_dir``.
* Operations and views: ``op_heads``, ``op_store``, ``operations``, ``views``, ``ref_targets``.
* Commits and changes: ``commit_store``, ``commits``, ``commit_headers``, ``change_ids``.
* Conflicts and merges: ``merges`` (the algebra), ``conflicts``, ``emptiness``, ``tree_merges``.
* What jj derives: ``undo``, ``evolution``, ``divergence``, ``operation_kinds``, ``commit_index``.
* Changes on disk: ``head_events``.
"""
