"""Public keys, read as ssh-keygen reads them."""

from __future__ import annotations

import subprocess
import uuid
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from wit_admin.errors import ConflictError, InvalidInputError, NotFoundError
from wit_admin.services.accounts.accounts import create_user
from wit_admin.services.accounts.public_keys import parse_public_key
from wit_admin.services.accounts.ssh_keys import add_ssh_key, list_ssh_keys, remove_ssh_key

KINDS = [("ed25519", "256"), ("rsa", "2048"), ("ecdsa", "256"), ("ecdsa", "384"), ("ecdsa", "521")]


def keygen(*arguments: str) -> str:
    done = subprocess.run(["ssh-keygen", *arguments], check=True, capture_output=True, text=True)
    return done.stdout


def make_key(folder: Path, kind: str, bits: str) -> Path:
    file = folder / "key"
    keygen("-q", "-t", kind, "-b", bits, "-N", "", "-C", "alice at work", "-f", str(file))
    return file


@pytest.mark.parametrize(("kind", "bits"), KINDS)
def test_fingerprint_is_that_of_ssh_keygen(tmp_path: Path, kind: str, bits: str) -> None:
    public = make_key(tmp_path, kind, bits).with_suffix(".pub")

    key = parse_public_key(public.read_text())

    assert key.fingerprint == keygen("-lf", str(public)).split()[1]
    assert key.comment == "alice at work"
    assert f"{key.line} {key.comment}\n" == public.read_text()


def test_private_and_weak_keys_are_refused(tmp_path: Path) -> None:
    file = make_key(tmp_path, "rsa", "1024")

    with pytest.raises(InvalidInputError, match="private"):
        parse_public_key(file.read_text())
    with pytest.raises(InvalidInputError, match="1024 bits is weak"):
        parse_public_key(file.with_suffix(".pub").read_text())


def test_damaged_keys_are_refused(tmp_path: Path) -> None:
    kind, encoded, *_ = make_key(tmp_path, "ed25519", "256").with_suffix(".pub").read_text().split()
    bad = ["", "hello", f"ssh-dss {encoded}", f"{kind} {encoded[:-4]}", f"ssh-rsa {encoded}"]
    bad += [f"{kind} !{encoded}", f"{kind} {encoded}\n{kind} {encoded}"]

    for text in bad:
        with pytest.raises(InvalidInputError):
            parse_public_key(text)


def test_key_belongs_to_one_account(sessions: sessionmaker[Session], tmp_path: Path) -> None:
    text = make_key(tmp_path, "ed25519", "256").with_suffix(".pub").read_text()
    create_user(sessions, "alice")
    create_user(sessions, "bob")

    made = add_ssh_key(sessions, "alice", text)

    assert list_ssh_keys(sessions, "alice") == [made]
    assert add_ssh_key(sessions, "alice", text, name="other", may_exist=True) == made
    for username, may_exist in (("alice", False), ("bob", False), ("bob", True)):
        with pytest.raises(ConflictError, match="in use"):
            add_ssh_key(sessions, username, text, may_exist=may_exist)
    with pytest.raises(NotFoundError):
        remove_ssh_key(sessions, "bob", made.id)
    remove_ssh_key(sessions, "alice", made.id)
    with pytest.raises(NotFoundError):
        remove_ssh_key(sessions, "alice", uuid.UUID(int=1))
    assert add_ssh_key(sessions, "bob", text).name == "alice at work"
