"""``db seed``: what it makes, and that it can be run again, at once, or after being killed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pygit2
import pytest
import sqlalchemy as sa
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import make_user, run_at_once
from tests.support.databases import migrated
from tests.support.server import run_git
from wit_admin.db.engine import make_sessions, open_engine
from wit_admin.db.models.accounts import Owner, User
from wit_admin.db.models.events import Activity
from wit_admin.db.models.issues import Issue, IssueComment, IssueLabel, Label
from wit_admin.db.models.organizations import OrgMember, TeamMember, TeamRepository
from wit_admin.db.models.pull_requests import (
    PrComment,
    PrLabel,
    PrReview,
    PullRequest,
    PullRequestState,
)
from wit_admin.db.models.repositories import Collaborator, Repository, Star, Visibility, Watch
from wit_admin.db.queries import labels, repositories, users
from wit_admin.db.queries.counters import recount
from wit_admin.errors import ConflictError, RefusedError
from wit_admin.git.refs.head import read_head
from wit_admin.names import RepoName
from wit_admin.services.seeding import Profile, seed

COUNTED = (
    User,
    OrgMember,
    TeamMember,
    TeamRepository,
    Collaborator,
    Label,
    IssueLabel,
    IssueComment,
    PrLabel,
    PrReview,
    PrComment,
    Star,
    Watch,
    Activity,
)


class KilledError(BaseException):
    """The process ends here."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "repos"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one undisturbed seeding of the demo makes."""
    folder = tmp_path_factory.mktemp("whole")
    engine = open_engine(migrated(f"sqlite:///{folder}/wit.db"))
    sessions = make_sessions(engine)
    seed(sessions, folder / "repos", Profile.DEMO)
    found = contents(sessions, folder / "repos")
    engine.dispose()
    return found


def contents(sessions: sessionmaker[Session], root: Path) -> dict[str, Any]:
    """All that a seeding makes, without the ids that differ each time."""
    with sessions() as session:
        found: dict[str, Any] = {
            model.__tablename__: session.scalar(sa.select(sa.func.count()).select_from(model))
            for model in COUNTED
        }
        found["owners"] = sorted(session.scalars(sa.select(Owner.name)))
        rows = session.execute(
            sa.select(
                Repository.disk_path,
                Repository.default_branch,
                Repository.next_number,
                Repository.stars_count,
                Repository.forks_count,
                Repository.open_issues_count,
                Repository.open_prs_count,
            )
        )
        found["repositories"] = sorted(map(tuple, rows))
        for model in (Issue, PullRequest):
            talk = session.execute(
                sa.select(Repository.disk_path, model.number, model.title, model.state).join(
                    Repository, Repository.id == model.repo_id
                )
            )
            found[model.__tablename__] = sorted(map(tuple, talk))
    found["refs"] = {
        path: refs_of(root / path) for path in (row[0] for row in found["repositories"])
    }
    return found


def refs_of(gitdir: Path) -> dict[str, str]:
    refs = pygit2.Repository(str(gitdir)).references
    return {name: str(refs[name].target) for name in refs}


def test_dev_makes_the_account_its_repository_and_labels(
    sessions: sessionmaker[Session], root: Path
) -> None:
    result = seed(sessions, root, Profile.DEV)

    with sessions() as session:
        user = users.find_user_by_name(session, "testuser")
        row = repositories.find_repository_by_name(session, RepoName("testuser", "test-repo"))
        assert user is not None
        assert row is not None
        found = [
            (label.name, label.color, label.description)
            for label in labels.list_labels(session, row.id)
        ]
    assert (user.email, user.full_name) == ("test@example.com", "Test User")
    assert (user.password_hash, user.is_admin) == (None, False)
    assert (row.description, row.visibility) == ("A test repository", Visibility.PUBLIC)
    assert found == [
        ("bug", "d73a4a", "Something isn't working"),
        ("documentation", "0075ca", "Improvements or additions to documentation"),
        ("enhancement", "a2eeef", "New feature or request"),
        ("good first issue", "7057ff", "Good for newcomers"),
    ]
    assert [(made.name, made.is_new) for made in result.repositories] == [
        ("testuser/test-repo", True)
    ]
    bare = run_git(root / "testuser/test-repo.git", "rev-parse", "--is-bare-repository")
    assert bare.stdout == "true\n"


def test_demo_rows_and_repositories_tell_the_same(
    sessions: sessionmaker[Session], root: Path
) -> None:
    seed(sessions, root, Profile.DEMO)

    with sessions() as session:
        rows = {row.id: row for row in session.scalars(sa.select(Repository))}
        pulls = session.scalars(sa.select(PullRequest)).all()
        reviewed = set(session.scalars(sa.select(PrReview.commit_sha)))
        drift = recount(session, mend=False)
    for row in rows.values():
        gitdir = root / row.disk_path
        assert run_git(gitdir, "fsck", "--strict", "--full").returncode == 0
        assert read_head(gitdir) == row.default_branch
        assert f"refs/heads/{row.default_branch}" in refs_of(gitdir)
    for pull in pulls:
        source = pygit2.Repository(str(root / rows[pull.source_repo_id or pull.repo_id].disk_path))
        target = pygit2.Repository(str(root / rows[pull.repo_id].disk_path))
        assert source.merge_base(pull.head_sha, pull.base_sha) == pygit2.Oid(hex=pull.base_sha)
        assert pull.base_sha in target
        is_merged = pull.state is PullRequestState.MERGED
        assert is_merged == (pull.merge_sha is not None)
        if pull.merge_sha is not None:
            tip = target.references[f"refs/heads/{pull.target_branch}"].target
            assert tip == pull.merge_sha or target.descendant_of(tip, pull.merge_sha)
            assert target.descendant_of(pull.merge_sha, pull.head_sha)
        else:
            branch = source.references[f"refs/heads/{pull.source_branch}"]
            assert str(branch.target) == pull.head_sha
    assert {pull.state for pull in pulls} == set(PullRequestState)
    assert any(pull.is_draft for pull in pulls)
    assert any(pull.source_repo_id for pull in pulls)
    assert reviewed <= {pull.head_sha for pull in pulls}
    assert drift == ()


def test_a_demo_has_something_in_every_table_it_is_about(
    sessions: sessionmaker[Session], root: Path
) -> None:
    seed(sessions, root, Profile.DEMO)

    found = contents(sessions, root)

    assert [name for name, value in found.items() if not value] == []
    assert "orchard" in found["owners"]
    assert ("kofi/press.git", "main", 1, 0, 0, 0, 0) in found["repositories"]
    assert ("orchard/press.git", "main", 11, 5, 1, 3, 3) in found["repositories"]


@pytest.mark.parametrize("profile", list(Profile))
def test_seeding_again_changes_nothing(
    sessions: sessionmaker[Session], root: Path, profile: Profile
) -> None:
    seed(sessions, root, profile)
    before = contents(sessions, root)

    again = seed(sessions, root, profile)

    assert contents(sessions, root) == before
    assert not any(repository.is_new for repository in again.repositories)


def test_both_profiles_live_side_by_side_until_a_stranger_comes(
    sessions: sessionmaker[Session], root: Path
) -> None:
    seed(sessions, root, Profile.DEMO)

    result = seed(sessions, root, Profile.DEV)
    with sessions.begin() as session:
        make_user(session, "zed")

    assert [repository.is_new for repository in result.repositories] == [True]
    with pytest.raises(RefusedError, match="such as zed"):
        seed(sessions, root, Profile.DEV)


def test_a_seeding_killed_anywhere_is_completed(
    engine: Engine, sessions: sessionmaker[Session], root: Path, whole: dict[str, Any]
) -> None:
    """The first run ends at its first commit, the second at its second, and so on."""
    to_go = 0

    def end_at_the_last(connection: object) -> None:
        nonlocal to_go
        to_go -= 1
        if not to_go:
            raise KilledError

    sa.event.listen(engine, "commit", end_at_the_last)
    ends = []
    for run in range(1, 10):
        to_go = run
        try:
            seed(sessions, root, Profile.DEMO)
            ends.append("whole")
        except KilledError:
            ends.append("killed")
    sa.event.remove(engine, "commit", end_at_the_last)

    assert ends == [*["killed"] * 5, *["whole"] * 4]
    assert contents(sessions, root) == whole
    with sessions() as session:
        assert recount(session, mend=False) == ()


def test_a_repository_that_stands_half_made_on_disk_is_completed(
    sessions: sessionmaker[Session], root: Path
) -> None:
    seed(sessions, root, Profile.DEMO)
    whole = refs_of(root / "maren/dotfiles.git")
    run_git(root / "maren/dotfiles.git", "update-ref", "-d", "refs/heads/trunk")
    # As a run leaves it that was killed just then.
    (root / "maren/dotfiles.git/refs/heads/trunk.lock").touch()
    with sessions.begin() as session:
        session.execute(sa.delete(Repository).where(Repository.name == "dotfiles"))

    seed(sessions, root, Profile.DEMO)

    assert refs_of(root / "maren/dotfiles.git") == whole


def test_seedings_at_once_end_as_one(
    sessions: sessionmaker[Session], root: Path, whole: dict[str, Any]
) -> None:
    raised = run_at_once([lambda: seed(sessions, root, Profile.DEMO)] * 3)

    assert raised == [None] * 3
    assert contents(sessions, root) == whole


def test_a_database_with_real_users_is_refused(sessions: sessionmaker[Session], root: Path) -> None:
    with sessions.begin() as session:
        make_user(session, "real")

    with pytest.raises(RefusedError, match="such as real") as refused:
        seed(sessions, root, Profile.DEV)

    assert refused.value.hint is not None
    assert "--force" in refused.value.hint
    assert not root.exists()
    assert seed(sessions, root, Profile.DEV, force=True).repositories[0].is_new


@pytest.mark.parametrize("name", ["maren", "orchard"])
def test_a_name_that_is_somebody_elses_stays_theirs(
    sessions: sessionmaker[Session], root: Path, name: str
) -> None:
    with sessions.begin() as session:
        make_user(session, name)

    with pytest.raises(RefusedError):
        seed(sessions, root, Profile.DEMO)
    with pytest.raises(ConflictError, match=f"The name {name}"):
        seed(sessions, root, Profile.DEMO, force=True)

    assert not root.exists()


def test_a_folder_of_another_repository_is_left_alone(
    sessions: sessionmaker[Session], root: Path
) -> None:
    seed(sessions, root, Profile.DEMO)
    other = root / "orchard/ledger.git"
    with sessions.begin() as session:
        session.execute(sa.delete(Repository).where(Repository.name == "ledger"))
    run_git(other, "update-ref", "refs/heads/main", "main~1")

    with pytest.raises(ConflictError, match="Another repository"):
        seed(sessions, root, Profile.DEMO)
