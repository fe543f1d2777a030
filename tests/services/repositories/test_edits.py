"""What a repository is said to be, changed and shown."""

from __future__ import annotations

import pytest

from tests.support.sites import DEMO, Site
from wit_admin.db.queries.repository_lists import RepositorySort
from wit_admin.errors import InvalidInputError, NotFoundError
from wit_admin.git.repositories import own_config
from wit_admin.names import RepoName
from wit_admin.services.repositories import edits, trash
from wit_admin.services.repositories.listing import list_repositories, show_repository


def edit(site: Site, text: str | None) -> bool:
    return edits.edit_repository(site.sessions, site.root, DEMO, description=text).is_changed


def test_description_stands_in_the_row_and_twice_on_disk(site: Site) -> None:
    site.create()

    assert edit(site, "Räder & more")
    assert not edit(site, "Räder & more")

    assert show_repository(site.sessions, DEMO).description == "Räder & more"
    assert own_config.read_own(site.folder(DEMO))["description"] == "Räder & more"
    assert (site.folder(DEMO) / "description").read_text(encoding="utf-8") == "Räder & more\n"


def test_description_is_taken_away_everywhere(site: Site) -> None:
    site.create()
    edit(site, "A try")

    edit(site, None)

    assert show_repository(site.sessions, DEMO).description is None
    assert "description" not in own_config.read_own(site.folder(DEMO))
    assert not (site.folder(DEMO) / "description").exists()


@pytest.mark.parametrize("text", ["two\nlines", " ", "bell\a", "x" * 351])
def test_description_is_one_line(site: Site, text: str) -> None:
    site.create()

    with pytest.raises(InvalidInputError, match="description"):
        edit(site, text)


def test_shown_is_where_it_stands_and_what_it_was_called(site: Site) -> None:
    repo_id = site.create()
    site.rename(DEMO, "tools")

    shown = show_repository(site.sessions, RepoName("Alice", "TOOLS"))

    assert (shown.id, shown.owner, shown.name) == (repo_id, "alice", "tools")
    assert shown.disk_path == "alice/demo.git"
    assert shown.former_names == ("alice/demo",)
    assert (shown.forked_from, shown.last_activity_at, shown.pushed_at) == (None, None, None)


def test_old_name_is_refused_with_the_new_one(site: Site) -> None:
    site.create()
    site.rename(DEMO, "tools")

    with pytest.raises(NotFoundError) as refused:
        show_repository(site.sessions, DEMO)

    assert refused.value.hint == "It is called alice/tools now."


def test_list_goes_on_where_it_was_cut(site: Site) -> None:
    for name in ("a", "b", "c", "d"):
        site.create(RepoName("alice", name))
    trash.delete_repository(site.sessions, site.root, RepoName("alice", "c"))

    first = list_repositories(site.sessions, limit=2)
    rest = list_repositories(site.sessions, limit=2, after=first.next_cursor)

    assert [row.name for row in (*first.items, *rest.items)] == ["a", "b", "d"]
    assert rest.next_cursor is None
    with pytest.raises(InvalidInputError):
        list_repositories(site.sessions, sort=RepositorySort.SIZE, after=first.next_cursor)
