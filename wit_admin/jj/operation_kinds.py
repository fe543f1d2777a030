"""The kind of an operation, derived from the description that jj's command line writes.

jj's descriptions are English and not edited by people. Other programs write other ones, whose kind
is ``other``.
"""

from __future__ import annotations

import re

from wit_admin.jj.operations import Operation

_PREFIXES: tuple[tuple[str, str], ...] = (
    (r"snapshot working copy", "snapshot"),
    (r"undo: restore to operation ", "undo"),
    (r"redo: restore to operation ", "redo"),
    (r"undo operation ", "undo"),
    (r"revert operation ", "op revert"),
    (r"restore to operation ", "op restore"),
    (r"reconcile divergent operations|resolve concurrent operations", "reconcile"),
    (r"merge \d+ operations", "reconcile"),
    (r"initialize repo", "init"),
    (r"add workspace ", "workspace add"),
    (r"create initial working-copy commit in workspace ", "workspace add"),
    (r"forget workspaces? ", "workspace forget"),
    (r"remove workspaces? ", "workspace remove"),
    (r"rename workspace ", "workspace rename"),
    (r"recovery commit|update stale|recover ", "workspace update-stale"),
    (r"import git (head|refs)", "git import"),
    (r"export git refs", "git export"),
    (r"reset git head|set git head to working copy parent|remove git head reference", "git head"),
    (r"fetch from git remote|check out git remote's ", "git fetch"),
    (r"push ", "git push"),
    (r"(add|remove|rename|set url of) git remote ", "git remote"),
    (r"new empty commit", "new"),
    (r"commit [0-9a-f]", "commit"),
    (r"describe commit ", "describe"),
    (r"edit commit metadata for commit ", "metaedit"),
    (r"edit commit ", "edit"),
    (r"abandon commit ", "abandon"),
    (r"rebase (commit |\d+ commits)", "rebase"),
    (r"squash (commits? |\d+ commits)", "squash"),
    (r"unsquash commit ", "unsquash"),
    (r"move changes ", "squash"),
    (r"split commit ", "split"),
    (r"duplicate (\d+ )?commit", "duplicate"),
    (r"restore into commit ", "restore"),
    (r"(revert|back out) commit ", "revert"),
    (r"resolve conflicts in commit ", "resolve"),
    (r"absorb changes into ", "absorb"),
    (r"parallelize \d+ commit", "parallelize"),
    (r"simplify \d+ commit", "simplify-parents"),
    (r"fixed \d+ commit", "fix"),
    (r"converge ", "converge"),
    (r"arrange revisions", "arrange"),
    (r"unsign commit ", "unsign"),
    (r"sign commit ", "sign"),
    (r"make paths .* in commit ", "file chmod"),
    (r"edit file .* in commit ", "file edit"),
    (r"delete paths in commit ", "file delete"),
    (r"track paths", "file track"),
    (r"untrack paths", "file untrack"),
    (r"run: ", "run"),
    (r"next: ", "next"),
    (r"prev: ", "prev"),
    (
        r"(create|point|delete|forget|rename|move|set|(un)?track remote) (bookmark|branch)",
        "bookmark",
    ),
    (r"(create|set|delete|track remote|untrack remote) tag", "tag"),
)
_RULES = [(re.compile(prefix, re.IGNORECASE), kind) for prefix, kind in _PREFIXES]
_COMMANDS = frozenset(kind.split()[0] for _, kind in _PREFIXES) | {
    "branch",
    "diffedit",
    "file",
    "git",
    "op",
    "operation",
    "sparse",
    "workspace",
}
_GROUPS = frozenset({"file", "git", "op", "operation", "sparse", "workspace"})
"""Commands that are named together with their subcommand."""
_WORD = re.compile(r"[a-z][a-z-]*")


def operation_type(operation: Operation) -> str:
    """Return the kind of an operation: ``new``, ``rebase``, ``git push``, ``undo``, … or ``other``.

    If the description is unknown, the command line that jj recorded decides.
    """
    if operation.is_snapshot:
        return "snapshot"
    for pattern, kind in _RULES:
        if pattern.match(operation.description):
            return kind
    return _from_command(operation.attributes.get("args", ""))


def _from_command(args: str) -> str:
    words = [word for word in args.split(" ")[1:6] if _WORD.fullmatch(word)]
    if not words or words[0] not in _COMMANDS:
        return "other"
    if words[0] in _GROUPS:
        return " ".join(words[:2])
    return "bookmark" if words[0] == "branch" else words[0]
