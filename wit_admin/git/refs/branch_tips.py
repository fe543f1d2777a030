"""What the branches of a repository point at, as far as a client is shown them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from wit_admin.errors import InvalidInputError, UnavailableError
from wit_admin.git.children.limited_child import ChildLimits, run_limited
from wit_admin.git.children.tools import GitTools
from wit_admin.git.files.marks import NotPlainError
from wit_admin.git.pktline import read_packets
from wit_admin.git.refs.names import HEADS
from wit_admin.git.refs.snapshot import read_refs

_PATIENCE_S = 60.0
_REF = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64}) " + HEADS + rb"[^\0\n]+")


def read_branch_tips(tools: GitTools, gitdir: Path) -> list[str]:
    """Return the ids that branches have, each once, in order.

    Most repositories are read without a process. git is asked where settings or the format of refs
    decide what there is: SHA-256, hidden refs, reftable, partial and shallow clones.

    Raises:
        UnavailableError: git cannot read it, or takes too long.
        TooLargeError: There are more refs than are looked at.
        OSError: The refs cannot be read.
    """
    try:
        refs = read_refs(gitdir).refs
    except NotPlainError:
        return sorted(set(_ask_git(tools, gitdir)))
    return sorted({ref.oid.decode() for ref in refs if ref.name.startswith(HEADS)})


def _ask_git(tools: GitTools, gitdir: Path) -> Iterator[str]:
    line = tools.command("upload-pack", "--stateless-rpc", "--http-backend-info-refs", str(gitdir))
    limits = ChildLimits(_PATIENCE_S, tools.memory_bytes)
    ended = run_limited(line, tools.environment.variables(), limits)
    try:
        packets = read_packets(ended.output) if ended.status == 0 else []
    except InvalidInputError:
        packets = []
    if not packets:
        said = ended.complaints[-1] if ended.complaints else f"it ended with {ended.status}"
        raise UnavailableError(f"git does not list its refs: {said}.")
    for packet in packets:
        if isinstance(packet, bytes) and (found := _REF.match(packet)):
            yield found[1].decode()
