"""Repositories as an operator handles them: created, imported, edited, moved, trashed, restored.

Folder and row change together; what a killed command leaves behind, a sync sets right.
"""
