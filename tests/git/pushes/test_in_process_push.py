"""A push that is taken without git ends as git would have ended it; all else is left to git."""

from __future__ import annotations

import contextlib
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.packs import BLOB, COMMIT, TREE, entry, oid_of, pack_of, tree
from tests.support.server import git_environment, run_git
from tests.support.tools import make_tools
from wit_admin.git.files.marks import NotPlainError
from wit_admin.git.objects.small_pack import read_small_pack
from wit_admin.git.pktline import write_packet
from wit_admin.git.pushes.commands import PushHeadReader
from wit_admin.git.pushes.in_process_push import push_in_process
from wit_admin.git.refs.cache import RefCache
from wit_admin.git.refs.move import Committer

WHO = Committer("alice", "an-id@push.wit.invalid")
MAIN = "refs/heads/main"


class Twins:
    """A repository that is pushed to without git, and its twin, which git looks after."""

    def __init__(self, folder: Path, work: Path) -> None:
        self.quick, self.slow = folder / "quick.git", folder / "slow.git"
        for twin in (self.quick, self.slow):
            run_git(folder, "clone", "--quiet", "--bare", "--no-hardlinks", str(work), str(twin))
            run_git(twin, "remote", "remove", "origin")
        self._environment = make_tools(folder).environment
        self._refs = RefCache()

    def push(self, body: bytes) -> bool:
        """Push to both; tell whether it went without git. What did must be what git made of it."""
        before = refs(self.quick)
        if not self.push_in_process(body):
            assert refs(self.quick) == before
            assert not list(self.quick.rglob("*.lock"))
            return False
        assert b"ok refs/heads/" in self.push_slowly(body)
        assert refs(self.quick) == refs(self.slow)
        assert everything(self.quick) == everything(self.slow)
        run_git(self.quick, "fsck", "--full", "--strict", "--no-dangling")
        return True

    def push_in_process(self, body: bytes) -> bool:
        request = PushHeadReader().feed(body)
        assert request is not None
        try:
            answer = push_in_process(self.quick, request, body, self._refs.get(self.quick), WHO)
        except NotPlainError:
            return False
        assert b"unpack ok" in answer
        return True

    def push_slowly(self, body: bytes) -> bytes:
        extra = {"GIT_COMMITTER_NAME": WHO.name, "GIT_COMMITTER_EMAIL": WHO.email}
        return subprocess.run(
            ["git", "receive-pack", "--stateless-rpc", str(self.slow)],
            input=body,
            capture_output=True,
            check=False,
            env=self._environment.variables(extra=extra),
        ).stdout


def refs(gitdir: Path) -> str:
    return run_git(gitdir, "for-each-ref", "--format=%(objectname) %(refname) %(symref)").stdout


def everything(gitdir: Path) -> list[str]:
    return sorted(
        run_git(gitdir, "rev-list", "--objects", "--no-object-names", "--all").stdout.splitlines()
    )


def request_of(old: str, new: str, pack: bytes, *, ref: str = MAIN, more: str = "") -> bytes:
    # With a space before the first, as git's send-pack has it.
    told = f" report-status-v2 side-band-64k object-format=sha1 agent=git/2.39.5{more}"
    return write_packet(f"{old} {new} {ref}\0{told}".encode()) + b"0000" + pack


def pushed(work: Path, *, old: str, new: str = "HEAD", ref: str = MAIN, more: str = "") -> bytes:
    """Return what a git client would send."""
    oid = run_git(work, "rev-parse", new).stdout.strip()
    # As git's send-pack does: thin, and everything that the server shows is not sent.
    shown = run_git(work, "rev-parse", "refs/remotes/server/main", "refs/remotes/server/side")
    wanted = "".join(f"{name}\n" for name in (oid, *(f"^{tip}" for tip in shown.stdout.split())))
    pack = subprocess.run(
        ["git", "-C", str(work), "pack-objects", "--revs", "--stdout", "--thin", "-q"],
        input=wanted.encode(),
        capture_output=True,
        check=True,
        env=git_environment(),
    ).stdout
    return request_of(old, oid, pack, ref=ref, more=more)


def git(*arguments: str) -> Callable[[Path], object]:
    return lambda work: run_git(work, *arguments)


def write(name: str, text: str) -> Callable[[Path], object]:
    def act(work: Path) -> None:
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_text(text, encoding="utf-8")

    return act


def all_of(*steps: Callable[[Path], object]) -> Callable[[Path], object]:
    def act(work: Path) -> None:
        for step in steps:
            step(work)

    return act


def commit(text: str = "a change") -> Callable[[Path], object]:
    return all_of(git("add", "-A"), git("commit", "--quiet", "--allow-empty", "-m", text))


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    run_git(folder, "init", "--quiet", "--initial-branch=main")
    for name in ("README", "src/one.txt", "src/two.txt", "docs/deep/page.txt", ".gitignore"):
        write(name, f"{name}\n" * 40)(folder)
    commit("first")(folder)
    run_git(folder, "branch", "side")
    write("README", "changed\n")(folder)
    commit("second")(folder)
    run_git(folder, "switch", "--quiet", "side")
    write("side.txt", "of the side\n")(folder)
    commit("side")(folder)
    run_git(folder, "switch", "--quiet", "main")
    for branch in ("main", "side"):
        run_git(folder, "update-ref", f"refs/remotes/server/{branch}", branch)
    return folder


@pytest.fixture
def twins(tmp_path: Path, work: Path) -> Twins:
    return Twins(tmp_path, work)


PLAIN = {
    "a changed file": all_of(write("src/one.txt", "other\n"), commit()),
    "a delta of a file": all_of(write("src/one.txt", "src/one.txt\n" * 40 + "x\n"), commit()),
    "several commits": all_of(
        *(all_of(write("src/one.txt", f"{n}\n"), commit(f"{n}")) for n in range(5))
    ),
    "a new folder": all_of(write("new/a/b/c.txt", "new\n"), commit()),
    "a file less": all_of(git("rm", "-q", "src/two.txt"), commit()),
    "a file renamed in its folder": all_of(git("mv", "src/two.txt", "src/three.txt"), commit()),
    "a changed mode": all_of(
        git("update-index", "--chmod=+x", "src/one.txt"), git("commit", "-qmx")
    ),
    "an empty commit": commit(),
    "a merge": git("merge", "--quiet", "--no-ff", "-m", "merged", "side"),
    "a name beyond ASCII": all_of(write("src/größe.txt", "x"), commit("größer")),
    "another .gitignore": all_of(write(".gitignore", "*.o\n"), commit()),
    "an encoding": all_of(
        git("-c", "i18n.commitEncoding=ISO-8859-1", "commit", "-q", "--allow-empty", "-m", "x")
    ),
}
UNUSUAL = {
    "a file moved to another folder": all_of(git("mv", "src/two.txt", "docs/two.txt"), commit()),
    "a folder renamed": all_of(git("mv", "src", "source"), commit()),
    "submodules": all_of(write(".gitmodules", ""), commit()),
    "attributes": all_of(write(".gitattributes", "* text\n"), commit()),
    "a short name of Windows": all_of(write("file~1", "x"), commit()),
    "another root": all_of(
        git("switch", "-q", "--orphan", "other"),
        write("x", "x"),
        commit(),
        git("switch", "-q", "main"),
        git("merge", "-q", "--allow-unrelated-histories", "-m", "x", "other"),
    ),
    "too many objects": all_of(*(write(f"many/{n}.txt", f"{n}") for n in range(110)), commit()),
    "rewritten history": git("commit", "--quiet", "--amend", "-m", "rewritten"),
    "a large file": all_of(write("large.txt", "x" * 1_100_000), commit()),
}


@pytest.mark.parametrize("change", PLAIN.values(), ids=PLAIN.keys())
def test_plain_push_ends_as_with_git(
    twins: Twins, work: Path, change: Callable[[Path], object]
) -> None:
    old = run_git(work, "rev-parse", "HEAD").stdout.strip()
    change(work)

    assert twins.push(pushed(work, old=old))
    log = (twins.quick / "logs" / MAIN).read_text(encoding="utf-8").splitlines()
    slow_log = (twins.slow / "logs" / MAIN).read_text(encoding="utf-8").splitlines()
    assert log[-1].split()[:4] == slow_log[-1].split()[:4]
    assert log[-1].endswith("\tpush")
    assert (twins.quick / "logs/HEAD").exists() == (twins.slow / "logs/HEAD").exists()


@pytest.mark.parametrize("change", UNUSUAL.values(), ids=UNUSUAL.keys())
def test_unusual_push_is_left_to_git(
    twins: Twins, work: Path, change: Callable[[Path], object]
) -> None:
    old = run_git(work, "rev-parse", "HEAD").stdout.strip()
    change(work)

    assert not twins.push(pushed(work, old=old))


def test_unusual_requests_are_left_to_git(twins: Twins, work: Path) -> None:
    old = run_git(work, "rev-parse", "HEAD").stdout.strip()
    commit()(work)
    new = run_git(work, "rev-parse", "HEAD").stdout.strip()
    zero = "0" * 40

    assert not twins.push(pushed(work, old=zero, ref="refs/heads/new"))
    assert not twins.push(pushed(work, old=zero, ref="refs/tags/v1"))
    assert not twins.push(request_of(old, zero, b""))
    assert not twins.push(pushed(work, old=old, more=" atomic"))
    with_options = pushed(work, old=old, more=" push-options").replace(b"PACK", b"0000PACK", 1)
    assert not twins.push(with_options)
    assert not twins.push(pushed(work, old=new))
    assert not twins.push(pushed(work, old=old)[:-1] + b"\0")
    assert not twins.push(pushed(work, old=old)[:-30])
    assert twins.push(pushed(work, old=old))


REPOSITORIES: dict[str, Callable[[Path], object]] = {
    "a held lock": lambda gitdir: (gitdir / f"{MAIN}.lock").touch(),
    "alternates": lambda gitdir: (gitdir / "objects/info/alternates").write_text("/nowhere\n"),
    "a shared repository": git("config", "core.sharedRepository", "group"),
    "settings of receive": git("config", "receive.denyNonFastForwards", "true"),
    "a working tree": git("config", "core.bare", "false"),
}


@pytest.mark.parametrize("prepare", REPOSITORIES.values(), ids=REPOSITORIES.keys())
def test_unusual_repository_is_left_to_git(
    twins: Twins, work: Path, prepare: Callable[[Path], object]
) -> None:
    old = run_git(work, "rev-parse", "HEAD").stdout.strip()
    commit()(work)
    before = refs(twins.quick)
    prepare(twins.quick)

    assert not twins.push_in_process(pushed(work, old=old))
    assert refs(twins.quick) == before


def test_symbolic_branch_is_left_to_git(twins: Twins, work: Path) -> None:
    old = run_git(work, "rev-parse", "HEAD").stdout.strip()
    commit()(work)
    for twin in (twins.quick, twins.slow):
        run_git(twin, "symbolic-ref", "refs/heads/alias", MAIN)

    assert not twins.push(pushed(work, old=old, ref="refs/heads/alias"))


def test_packed_branch_moves_too(twins: Twins, work: Path) -> None:
    old = run_git(work, "rev-parse", "HEAD").stdout.strip()
    commit()(work)
    for twin in (twins.quick, twins.slow):
        run_git(twin, "pack-refs", "--all")
        shutil.rmtree(twin / "refs/heads")
        (twin / "refs/heads").mkdir()

    assert twins.push(pushed(work, old=old))


def test_of_two_pushes_onto_one_value_one_is_left_to_git(twins: Twins, work: Path) -> None:
    old = run_git(work, "rev-parse", "HEAD").stdout.strip()
    commit("mine")(work)
    mine = pushed(work, old=old)
    run_git(work, "reset", "--quiet", "--hard", old)
    commit("theirs")(work)

    assert twins.push(mine)
    assert not twins.push_in_process(pushed(work, old=old))


def test_file_of_which_only_a_submodule_bears_the_id_is_left_to_git(
    twins: Twins, work: Path
) -> None:
    absent = "1234567890" * 4
    run_git(work, "update-index", "--add", "--cacheinfo", f"160000,{absent},module")
    run_git(work, "commit", "--quiet", "-m", "a submodule")
    for twin in (twins.quick, twins.slow):
        run_git(work, "push", "--quiet", str(twin), "main")
    old = run_git(work, "rev-parse", "HEAD").stdout.strip()
    root = tree(("100644", "file", absent))
    who = b"Ann <ann@example.org> 1700000000 +0000"
    top = f"tree {oid_of(TREE, root)}\nparent {old}\n".encode()
    top += b"author %b\ncommitter %b\n\nx\n" % (who, who)
    pack = pack_of(entry(COMMIT, top), entry(TREE, root))

    assert not twins.push(request_of(old, oid_of(COMMIT, top), pack))


def mutated(chance: random.Random, data: bytes) -> bytes:
    """Return data with something changed, left out, doubled or put in."""
    at = chance.randrange(len(data) + 1)
    size = chance.choice((1, 1, 2, 8))
    piece = data[at : at + size]
    insert = bytes(chance.choice(b"\0\n /<>~.git019azZ\x80\xff-+") for _ in range(size))
    return chance.choice(
        (
            data[:at] + insert + data[at + size :],
            data[:at] + insert + data[at:],
            data[:at] + data[at + size :],
            data[:at] + piece + data[at:],
        )
    )


def random_push(chance: random.Random, old: str, tree: bytes) -> bytes:
    """Return a push of a commit, a tree and a blob, of which one is not as git would write it."""
    blob = chance.randbytes(20)
    names = (b"new.txt", b".gitignore", b"zz", b"a-b", b"src")
    line = b"100644 %b\0" % chance.choice(names) + bytes.fromhex(oid_of(BLOB, blob))
    root = chance.choice((tree + line, line + tree, tree))
    if chance.random() < 0.5:
        root = mutated(chance, root)
    who = b"Ann <ann@example.org> 1700000000 +0000"
    top = b"tree %b\nparent %b\nauthor %b\ncommitter %b\n\nx\n" % (
        oid_of(TREE, root).encode(),
        old.encode(),
        who,
        who,
    )
    if chance.random() < 0.6:
        top = mutated(chance, top)
    pack = pack_of(entry(COMMIT, top), entry(TREE, root), entry(BLOB, blob))
    if chance.random() < 0.1:
        pack = mutated(chance, pack)
    return request_of(old, oid_of(COMMIT, top), pack)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_taken_without_git_is_what_git_takes(
    twins: Twins, work: Path, seed: int
) -> None:
    chance = random.Random(seed)
    old = run_git(work, "rev-parse", "HEAD").stdout.strip()
    tree = subprocess.run(
        ["git", "-C", str(work), "cat-file", "tree", "HEAD^{tree}"], capture_output=True, check=True
    ).stdout
    taken = 0
    for _ in range(150):
        if twins.push(random_push(chance, old, tree)):
            taken += 1
            for twin in (twins.quick, twins.slow):
                run_git(twin, "update-ref", MAIN, old)

    assert taken


@given(st.binary(max_size=60), st.integers(min_value=1, max_value=3))
def test_whatever_stands_in_a_pack_is_read_or_left_to_git(entries: bytes, count: int) -> None:
    with contextlib.suppress(NotPlainError):
        read_small_pack(pack_of(entries, count=count), lambda _: None)


@pytest.mark.parametrize("entry_bytes", [b"\xff" * 30, b"\xe0" * 30, b"\x6f" + b"\xff" * 30])
def test_number_that_never_ends_is_left_to_git(entry_bytes: bytes) -> None:
    with pytest.raises(NotPlainError):
        read_small_pack(pack_of(entry_bytes, count=1), lambda _: None)
