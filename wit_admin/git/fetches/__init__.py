"""Fetches: which are answered without ``git upload-pack``, and which are refused."""
