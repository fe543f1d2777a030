"""Views in the encodings of all eras."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.jj_writer import build
from wit_admin.errors import DamagedJjError
from wit_admin.jj.ref_targets import ABSENT, RefTarget
from wit_admin.jj.views import MAX_NAMES, RemoteRef, RemoteView, View, decode_view

A, B, C = ("0a" * 20, "0b" * 20, "0c" * 20)


def raw(commit_id: str) -> bytes:
    return bytes.fromhex(commit_id)


def target(*terms: str | None) -> Any:
    """A target as jj 0.9 and later write it."""
    message = build("RefTarget")
    message.conflict.SetInParent()
    for position, term in enumerate(terms):
        side = message.conflict.removes if position % 2 else message.conflict.adds
        side.add(**({} if term is None else {"value": raw(term)}))
    return message


def decode(message: Any, **options: bool) -> View:
    return decode_view("", message.SerializeToString(), **options)


@pytest.mark.parametrize(
    ("message", "terms"),
    [
        (target(A), (A,)),
        (target(None), (None,)),
        (target(A, B, C), (A, B, C)),
        (target(A, None, None), (A, None, None)),
        (build("RefTarget", commit_id=raw(A)), (A,)),
        (build("RefTarget"), (None,)),
    ],
)
def test_targets_of_all_eras_come_to_one_form(message: Any, terms: tuple[str | None, ...]) -> None:
    view = build("View")
    view.git_refs.add(name="refs/heads/a", target=message)

    assert decode(view).git_refs["refs/heads/a"].terms == terms


@pytest.mark.parametrize(
    ("adds", "removes", "terms"),
    [
        ([A], [], (A,)),
        ([A, B], [C], (A, C, B)),
        ([A], [C], (A, C, None)),
        ([A, B], [], (A, None, B)),
        ([], [A], (None, A, None)),
        ([], [], (None,)),
    ],
)
def test_legacy_conflicts_are_padded_with_absent_terms(
    adds: list[str], removes: list[str], terms: tuple[str | None, ...]
) -> None:
    message = build("RefTarget")
    message.conflict_legacy.SetInParent()
    message.conflict_legacy.adds.extend(map(raw, adds))
    message.conflict_legacy.removes.extend(map(raw, removes))
    view = build("View")
    view.bookmarks.add(name="main", local_target=message)

    assert decode(view).bookmarks.get("main", ABSENT).terms == terms


def test_target_of_an_old_git_ref_is_a_bare_id() -> None:
    view = build("View")
    view.git_refs.add(name="refs/heads/a", commit_id=raw(A))

    assert decode(view).git_refs == {"refs/heads/a": RefTarget((A,))}


def test_bookmarks_without_a_local_target_are_not_local() -> None:
    view = build("View")
    view.bookmarks.add(name="deleted", local_target=target(None))
    view.bookmarks.add(name="never")
    view.bookmarks.add(name="there", local_target=target(A))
    view.local_tags.add(name="gone", target=target(None))

    assert decode(view).bookmarks == {"there": RefTarget((A,))}
    assert decode(view).tags == {}


def test_remotes_of_old_views_stand_with_the_bookmarks() -> None:
    view = build("View")
    bookmark = view.bookmarks.add(name="main")
    bookmark.remote_bookmarks.add(remote_name="origin", target=target(A), state=1)
    bookmark.remote_bookmarks.add(remote_name="fork", target=target(B))

    assert decode(view).remotes == {
        "origin": RemoteView({"main": RemoteRef(RefTarget((A,)), is_tracked=True)}),
        "fork": RemoteView({"main": RemoteRef(RefTarget((B,)), is_tracked=False)}),
    }


def test_remotes_of_new_views_are_not_mixed_with_the_old_copy() -> None:
    view = build("View")
    bookmark = view.bookmarks.add(name="main")
    bookmark.remote_bookmarks.add(remote_name="stale", target=target(B), state=1)
    remote = view.remote_views.add(name="origin")
    remote.bookmarks.add(name="main", target_terms=[build("Term", value=raw(A))], state=1)
    remote.bookmarks.add(name="awaited", target_terms=[build("Term")], state=1)

    assert decode(view).remotes == {
        "origin": RemoteView(
            {
                "main": RemoteRef(RefTarget((A,)), is_tracked=True),
                "awaited": RemoteRef(ABSENT, is_tracked=True),
            }
        )
    }


def test_state_that_we_do_not_know_is_not_tracked() -> None:
    view = build("View")
    remote = view.remote_views.add(name="origin")
    remote.bookmarks.add(name="main", target_terms=[build("Term", value=raw(A))], state=7)

    assert not decode(view).remotes["origin"].bookmarks["main"].is_tracked


def test_tags_of_git_are_derived_for_old_views_only() -> None:
    view = build("View")
    view.git_refs.add(name="refs/tags/v1", target=target(A))
    old = decode(view, with_git_refs=False)
    view.has_git_refs_migrated_to_remote_tags = True
    new = decode(view)

    assert old.git_tags == {"v1": RemoteRef(RefTarget((A,)), is_tracked=True)}
    assert old.git_refs == {}
    assert new.git_tags == {}


def test_working_copy_of_old_views_is_that_of_the_default_workspace() -> None:
    view = build("View", wc_commit_id=raw(A))
    alone = decode(view).working_copies
    view.wc_commit_ids.add(name="default", commit_id=raw(B))
    view.wc_commit_ids.add(name="other", commit_id=raw(C))

    assert alone == {"default": A}
    assert decode(view).working_copies == {"default": B, "other": C}


def test_the_newest_record_of_gits_head_counts() -> None:
    view = build("View", git_head_legacy=raw(A))
    oldest = decode(view).git_heads
    view.git_head.CopyFrom(target(B))
    middle = decode(view).git_heads
    view.git_heads.add(name="other", target=target(C))

    assert oldest == {"default": RefTarget((A,))}
    assert middle == {"default": RefTarget((B,))}
    assert decode(view).git_heads == {"other": RefTarget((C,))}


def test_absent_head_of_git_is_no_head() -> None:
    view = build("View")
    view.git_head.CopyFrom(target(None))

    assert decode(view).git_heads == {}


@pytest.mark.parametrize(
    "message",
    [
        build("View", head_ids=[b"short"]),
        build("View", wc_commit_id=b"\1" * 21),
        build("View", git_head=build("RefTarget", commit_id=b"")),
        build("View", git_refs=[build("GitRef", name="a", commit_id=b"\1")]),
        build("View", bookmarks=[build("Bookmark", name="a", local_target=target(A, B))]),
        build("View", bookmarks=[build("Bookmark", name="a", local_target=target(*[A] * 2051))]),
        build("View", remote_views=[build("RemoteView", tags=[build("RemoteRef", name="a")])]),
    ],
)
def test_what_cannot_be_a_target_is_damage(message: Any) -> None:
    with pytest.raises(DamagedJjError):
        decode(message)


def test_fields_of_a_later_jj_are_passed_over() -> None:
    content = build("View", head_ids=[raw(A)]).SerializeToString() + b"\xf2\x07\x04new!"

    assert decode_view("", content).head_ids == (A,)


def test_all_that_a_view_names_is_told() -> None:
    view = build("View", head_ids=[raw(A)])
    view.bookmarks.add(name="main", local_target=target(B, None, C))
    view.git_refs.add(name="refs/heads/x", target=target("0d" * 20))

    assert decode(view).commit_ids() == {A, B, C}


@pytest.mark.parametrize("where", ["heads", "bookmarks", "tags", "remotes", "one remote", "old"])
def test_view_with_more_names_than_anybody_has_is_refused(where: str) -> None:
    message = build("View")
    match where:
        case "heads":
            message.head_ids.append(raw(A))
        case "bookmarks":
            message.bookmarks.add(name="a")
        case "tags":
            message.local_tags.add(name="a")
        case "remotes":
            message.remote_views.add(name="a")
        case "one remote":
            remote = message.remote_views.add(name="a")
            remote.bookmarks.MergeFrom([build("RemoteRef", name="a", state=1)] * MAX_NAMES)
        case "old":
            remotes = message.bookmarks.add(name="a").remote_bookmarks
            remotes.MergeFrom([build("RemoteBookmark", remote_name="a")] * MAX_NAMES)
    content = message.SerializeToString()

    with pytest.raises(DamagedJjError, match=f"more than {MAX_NAMES}"):
        decode_view("", content * (1 if where in {"one remote", "old"} else MAX_NAMES + 1))


def test_names_of_remotes_that_are_written_twice_count_once() -> None:
    message = build("View")
    message.remote_views.add(name="origin").tags.add(name="a").target_terms.add(value=raw(A))
    old = [build("RemoteBookmark", remote_name="origin")] * (MAX_NAMES + 1)
    message.bookmarks.add(name="a", local_target=target(A)).remote_bookmarks.MergeFrom(old)

    assert decode(message).bookmarks["a"].terms == (A,)
