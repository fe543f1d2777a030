"""Imports: where from (``sources``, ``addresses``), and how (``fetching``)."""
