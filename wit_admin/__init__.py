"""Administer and serve wit, a self-hosted git forge.

From the top, where each layer may import only those below it:

* ``cli`` (commands) and ``web`` (HTTP) are what users and clients meet.
* ``forge``, ``forge_jobs`` and ``forge_watcher`` create the parts and connect them.
* ``settings`` loads the configuration.
* ``services`` has the use cases, and the only transactions.
* ``db`` (rows), ``git`` (git repositories) and ``jj`` (jj repositories) do not know each other.
* ``names``, ``log`` and other small modules are for all; ``errors`` is at the bottom.

The docstring of each package says which of its modules to read first.
"""

__version__ = "0.1.0"
