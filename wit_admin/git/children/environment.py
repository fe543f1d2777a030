"""The environment of git children: minimal, with default and enforced configuration.

Source: git-config(1), GIT_CONFIG_COUNT and GIT_CONFIG_SYSTEM; git(1), environment variables.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wit_admin.git.files.writes import write_whole

HIDDEN_REFS = ("refs/wit/", "refs/jj/")
"""Refs of ours and of jj that no client sees or moves."""

PUSH_ID_HOST = "push.wit.invalid"
"""The committer of a reflog line is ``<push id>@`` this, which proves whose update it was."""

_DEFAULTS = """\
[core]
\tfsync = committed,reference
[uploadpack]
\tallowFilter = true
[receive]
\tadvertisePushOptions = true
[receive "fsck"]
\tzeroPaddedFilemode = warn
\tmissingSpaceBeforeDate = warn
\tbadTimezone = warn
\tmissingSpaceBeforeEmail = warn
[fetch "fsck"]
\tzeroPaddedFilemode = warn
\tmissingSpaceBeforeDate = warn
\tbadTimezone = warn
\tmissingSpaceBeforeEmail = warn
[transfer]
\tfsckObjects = true
"""
"""A repository may override these.

git's own default for ``core.fsync`` leaves out loose objects and refs, so that a power cut could
take back a push that its client was told of. Faults of old, real histories are let in; none is
dangerous.
"""

_ENFORCED: tuple[tuple[str, str], ...] = (
    ("safe.directory", "*"),
    ("receive.autogc", "false"),
    ("core.logAllRefUpdates", "always"),
    # A push beside gc or repack waits for their locks instead of being refused.
    ("core.filesRefLockTimeout", "10000"),
    ("core.packedRefsTimeout", "10000"),
    # Nothing that a repository's config names is ever run.
    ("core.fsmonitor", "false"),
    ("submodule.recurse", "false"),
    ("core.alternateRefsCommand", "true"),
    ("core.sshCommand", "false"),
    ("core.gitProxy", "false"),
    ("gpg.program", "false"),
    ("gpg.openpgp.program", "false"),
    ("gpg.x509.program", "false"),
    ("gpg.ssh.program", "false"),
    *(("transfer.hideRefs", prefix.rstrip("/")) for prefix in HIDDEN_REFS),
)


@dataclass(frozen=True, slots=True)
class ChildEnvironment:
    """Makes environments for git children; the same for all requests but for a few variables."""

    system_config: Path
    repository_hooks: bool

    def variables(
        self,
        *,
        version: int = 0,
        extra: Mapping[str, str] | None = None,
        overrides: Sequence[tuple[str, str]] = (),
        hooks: Path | None = None,
    ) -> dict[str, str]:
        """Return the whole environment of one child; nothing of the server's own is passed on.

        ``hooks`` is a folder of the server's, used in place of the repository's own.
        """
        enforced = [*_ENFORCED, *overrides]
        if hooks is not None:
            enforced.append(("core.hooksPath", os.fspath(hooks)))
        elif not self.repository_hooks:
            enforced.append(("core.hooksPath", os.devnull))
        variables = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": "/nonexistent",
            "GIT_CONFIG_SYSTEM": str(self.system_config),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ALLOW_PROTOCOL": "none",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_COUNT": str(len(enforced)),
            **(extra or {}),
        }
        if version:
            variables["GIT_PROTOCOL"] = f"version={version}"
        for number, (key, value) in enumerate(enforced):
            variables[f"GIT_CONFIG_KEY_{number}"] = key
            variables[f"GIT_CONFIG_VALUE_{number}"] = value
        return variables


def write_defaults(path: Path) -> None:
    """Write the site's defaults where ``GIT_CONFIG_SYSTEM`` will point, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, _DEFAULTS.encode())
