"""Jujutsu repositories in the database.

``sync`` writes the rows from what :mod:`wit_admin.jj` reads on disk, ``reading`` lists them;
``pushed_changes`` indexes the change ids of plain pushes.
"""
