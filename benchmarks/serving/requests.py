"""Requests as git sends them, to be replayed.

Source: gitprotocol-http(5), gitprotocol-v2(5) and gitprotocol-pack(5).
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.serving.peers import Peer
from wit_admin.git.pktline import write_packet

_FLUSH, _DELIMITER = b"0000", b"0001"
_AGENT = "git/2.39.5"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request to a repository."""

    path: str
    body: bytes | None = None
    version: int = 2

    def to_bytes(self, peer: Peer, repository: str) -> bytes:
        """Return it as it goes over the wire."""
        host, port = peer.address
        lines = [
            f"{'POST' if self.body else 'GET'} {peer.path(repository)}/{self.path} HTTP/1.1",
            f"Host: {host}:{port}",
            f"User-Agent: {_AGENT}",
        ]
        if self.version:
            lines.append(f"Git-Protocol: version={self.version}")
        if self.body:
            lines.append(f"Content-Type: application/x-{self.path}-request")
            lines.append(f"Content-Length: {len(self.body)}")
        if self.path == "git-receive-pack" and peer.credentials:
            lines.append(peer.credentials)
        return "\r\n".join([*lines, "", ""]).encode() + (self.body or b"")


def advertisement(version: int) -> Request:
    """Return what every fetch begins with; version 0 lists all refs in it."""
    return Request("info/refs?service=git-upload-pack", version=version)


def ls_refs() -> Request:
    """Return what ``git ls-remote`` and ``git clone`` ask next."""
    prefixes = [f"ref-prefix {prefix}\n" for prefix in ("HEAD", "refs/heads/", "refs/tags/")]
    return _command("ls-refs", ["peel\n", "symrefs\n", *prefixes])


def fetch(want: str, have: str | None = None) -> Request:
    """Return what asks for the history of one commit, whole or after another."""
    haves = [f"have {have}\n"] if have else []
    options = ["thin-pack\n", "no-progress\n", "ofs-delta\n"]
    return _command("fetch", [*options, f"want {want}\n", *haves, "done\n"])


def push(old: str, new: str, pack: bytes) -> Request:
    """Return what moves ``main`` by one push."""
    capabilities = f"report-status object-format=sha1 agent={_AGENT}"
    line = write_packet(f"{old} {new} refs/heads/main\0 {capabilities}".encode())
    return Request("git-receive-pack", line + _FLUSH + pack, version=0)


def _command(name: str, arguments: list[str]) -> Request:
    head = [f"command={name}\n", f"agent={_AGENT}\n", "object-format=sha1\n"]
    body = [_packets(head), _DELIMITER, _packets(arguments), _FLUSH]
    return Request("git-upload-pack", b"".join(body))


def _packets(lines: list[str]) -> bytes:
    return b"".join(write_packet(line.encode()) for line in lines)
