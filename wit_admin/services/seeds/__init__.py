"""The data of ``db seed``, and the code that writes it.

Read ``site`` first: it says how a site is described. ``dev`` and ``demo`` are the two sites.
"""
