"""Fetches a whole repository from an untrusted remote with git.

Source: git-fetch(1); git-config(1), ``http.curloptResolve``, ``http.followRedirects`` and
``credential.helper``; git(1), ``GIT_ALLOW_PROTOCOL``; git's connect.c for ``GIT_PROXY_COMMAND``.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from wit_admin.errors import (
    ConflictError,
    NotFoundError,
    TooLargeError,
    UnauthenticatedError,
    UnavailableError,
    WitError,
)
from wit_admin.git.children.limited_child import ChildLimits, Ended, run_limited
from wit_admin.git.children.tools import GitTools
from wit_admin.git.refs.names import HEADS_TEXT, ref_text
from wit_admin.git.remotes.sources import PORTS, Source

_USUAL = ("refs/heads/*", "refs/tags/*", "refs/notes/*")
"""Not the refs that forges add, such as ``refs/pull/`` or ``refs/merge-requests/``."""
_OURS = ("^refs/wit/*", "^refs/jj/*")
_SILENCE = (("http.lowSpeedLimit", "100"), ("http.lowSpeedTime", "60"))
_NO_LAZY_FETCH = "env GIT_ALLOW_PROTOCOL=none git-upload-pack"
"""A local source's config could otherwise name programs that fetch missing objects."""

_MAX_CREDENTIALS_BYTES = 16 * 1024
_MALFORMED = re.compile(r"fsck error|^error: object [0-9a-f]{40}", re.MULTILINE)
_EXPLAINED: tuple[tuple[str, type[WitError], str, str | None], ...] = (
    (
        r"Authentication failed|could not read (?:Username|Password)|Permission denied",
        UnauthenticatedError,
        "The source rejected the credentials.",
        "Give a file with user:password, or a token, with --credentials-file.",
    ),
    (
        r"returned error: 30\d|unable to update url base from redirection",
        UnavailableError,
        "The source redirects to another address; redirects are not followed.",
        "Give the URL that it redirects to.",
    ),
    (
        r"Host key verification failed",
        UnavailableError,
        "The host's key is not known.",
        "Add it to ~/.ssh/known_hosts.",
    ),
    (
        r"signal 25|File too large",
        TooLargeError,
        "The source is larger than an import may be.",
        "The setting is max_import_bytes.",
    ),
    (
        r"does not appear to be a git repository|[Rr]epository .*not found|not found$",
        NotFoundError,
        "There is no such repository.",
        None,
    ),
)
"""Messages of git, and the errors that they become."""


@dataclass(frozen=True, slots=True)
class RemoteRefs:
    """The refs and object format of a source."""

    head: str | None
    """The branch that its HEAD names, if that is there."""
    branches: tuple[str, ...]
    object_format: str


@dataclass(frozen=True, slots=True)
class Remote:
    """A source, and how git reaches it."""

    source: Source
    addresses: tuple[str, ...]
    """The addresses of the host; git does not resolve the name again."""
    tools: GitTools
    limits: ChildLimits
    credentials: str | None = field(default=None, repr=False)
    """``user:password`` or a token, for HTTP."""
    key_file: Path | None = None
    """A private key, for SSH."""

    def list_refs(self) -> RemoteRefs:
        """Ask what there is.

        Raises:
            WitError: The source cannot be read; see ``_EXPLAINED``.
        """
        with self._helper() as (settings, descriptors):
            upload_pack = [] if self.source.is_remote else [f"--upload-pack={_NO_LAZY_FETCH}"]
            ended = run_limited(
                self.tools.command("ls-remote", "--symref", *upload_pack, "--", self._url()),
                self._variables(settings),
                self.limits,
                descriptors=descriptors,
            )
        _raise_for(ended)
        return _read_listing(ended.output)

    def fetch_into(
        self,
        gitdir: Path,
        *,
        all_refs: bool = False,
        fsck: bool = True,
        tell: Callable[[str], object] = lambda line: None,
    ) -> None:
        """Fetch into an empty repository. Nothing of the source stays in its config.

        Raises:
            TooLargeError: It is larger than it may be.
            WitError: The source cannot be read; see ``_EXPLAINED``.
        """
        wanted = ("refs/*",) if all_refs else _USUAL
        refspecs = [f"+{pattern}:{pattern}" for pattern in wanted]
        options = ["--progress", "--no-tags", "--no-write-fetch-head"]
        options += ["--no-auto-maintenance", "--no-recurse-submodules"]
        if not self.source.is_remote:
            options.append(f"--upload-pack={_NO_LAZY_FETCH}")
        with self._helper() as (settings, descriptors):
            chosen = [
                *settings,
                ("fetch.unpackLimit", "1"),
                ("core.logAllRefUpdates", "false"),
                ("transfer.fsckObjects", str(fsck).lower()),
            ]
            exclusions = _OURS if all_refs else ()
            line = ["fetch", *options, "--", self._url(), *refspecs, *exclusions]
            ended = run_limited(
                self.tools.command(f"--git-dir={gitdir}", *line),
                self._variables(chosen),
                self.limits,
                tell=tell,
                descriptors=descriptors,
            )
        _raise_for(ended)

    def _url(self) -> str:
        # ssh and git's own protocol get the address itself; curl gets it in addition to the name.
        by_name = self.source.scheme in {"file", "http", "https"}
        return self.source.url(host=None if by_name else self.addresses[0])

    def _variables(self, settings: Sequence[tuple[str, str]]) -> dict[str, str]:
        extra = {"GIT_ALLOW_PROTOCOL": self.source.scheme, "GIT_PROXY_COMMAND": ""}
        if self.source.scheme == "ssh":
            extra |= {"GIT_SSH_COMMAND": shlex.join(self._ssh()), "GIT_SSH_VARIANT": "ssh"}
        pinned = [("http.followRedirects", "false")]
        if self.source.scheme in {"http", "https"} and ":" not in self.source.host:
            port = self.source.port or PORTS[self.source.scheme]
            places = ",".join(f"[{a}]" if ":" in a else a for a in self.addresses)
            pinned.append(("http.curloptResolve", f"{self.source.host}:{port}:{places}"))
        return self.tools.environment.variables(
            version=self.tools.program.newest_protocol,
            extra=extra,
            overrides=[*_SILENCE, *pinned, *settings],
        )

    def _ssh(self) -> list[str]:
        options = ["BatchMode=yes", "StrictHostKeyChecking=yes", f"HostKeyAlias={self.source.host}"]
        options += ["ClearAllForwardings=yes", "PermitLocalCommand=no"]
        identity = []
        if self.key_file is not None:
            identity = ["-i", str(self.key_file.absolute())]
            options.append("IdentitiesOnly=yes")
        # -F none: a ProxyCommand in the user's config could lead anywhere.
        return ["ssh", "-F", "none", *identity, *(f"-o{option}" for option in options)]

    @contextmanager
    def _helper(self) -> Iterator[tuple[list[tuple[str, str]], tuple[int, ...]]]:
        """Yield the settings and descriptors that let git read the credentials.

        They are in memory only, in a file without a name that git's children inherit.
        """
        if self.credentials is None:
            yield [], ()
            return
        user, colon, password = self.credentials.partition(":")
        if not colon:
            user, password = "token", self.credentials
        descriptor = os.memfd_create("credentials", 0)
        try:
            os.write(descriptor, f"username={user}\npassword={password}\n".encode())
            helper = f"!cat /dev/fd/{descriptor} #"
            yield [("credential.helper", helper)], (descriptor,)
        finally:
            os.close(descriptor)


def _read_listing(output: bytes) -> RemoteRefs:
    head, branches, width = None, list[str](), 40
    for line in output.split(b"\n"):
        value, _, name = line.partition(b"\t")
        if value.startswith(b"ref: ") and name == b"HEAD":
            head = ref_text(value.removeprefix(b"ref: ")).removeprefix(HEADS_TEXT)
        elif value:
            width = len(value)
            if name.startswith(HEADS_TEXT.encode()):
                branches.append(ref_text(name).removeprefix(HEADS_TEXT))
    object_format = "sha1" if width == 40 else "sha256"  # noqa: PLR2004  digits of an id
    return RemoteRefs(head if head in branches else None, tuple(branches), object_format)


def _raise_for(ended: Ended) -> None:
    if ended.status == 0:
        return
    said = [line for line in ended.complaints if not line.startswith("remote:")]
    text = "\n".join(said)
    for pattern, kind, sentence, hint in _EXPLAINED:
        if re.search(pattern, text, re.MULTILINE):
            raise kind(sentence, hint=hint)
    reason = next((line for line in said if line.startswith(("fatal:", "error:"))), "no reason")
    sentence = f"git could not fetch it: {reason.partition(': ')[2] or reason}."
    if _MALFORMED.search(text):
        raise ConflictError(sentence, hint="Add --no-fsck to take malformed objects.")
    raise UnavailableError(sentence)


def read_credentials(path: Path) -> str:
    """Return the one line of a file of credentials.

    Raises:
        ConflictError: It cannot be read, or holds something else.
    """
    with contextlib.suppress(OSError, UnicodeDecodeError):
        with path.open(encoding="utf-8") as file:
            text = file.read(_MAX_CREDENTIALS_BYTES + 1)
        line = text.strip()
        if line and line.isprintable() and len(text) <= _MAX_CREDENTIALS_BYTES:
            return line
    raise ConflictError(
        "The credentials cannot be read.",
        hint="The file holds one line: user:password, or a token.",
    )
