"""The profile ``demo``: an organization with repositories, issues and pull requests."""

from __future__ import annotations

from wit_admin.db.models.organizations import OrgRole, Permission
from wit_admin.db.models.pull_requests import ReviewState
from wit_admin.db.models.repositories import Visibility
from wit_admin.git.objects.history import Commit, History, Tag
from wit_admin.services.seeds.demo_press import FORK, PRESS
from wit_admin.services.seeds.dev import DEFAULT_LABELS
from wit_admin.services.seeds.people import EVERYBODY, IRENA, MAREN, TOMASZ
from wit_admin.services.seeds.site import (
    CommentSeed,
    IssueSeed,
    OrganizationSeed,
    PullRequestSeed,
    RepositorySeed,
    ReviewSeed,
    Site,
    TeamSeed,
    after,
)

_I, _M, _T = IRENA.author, MAREN.author, TOMASZ.author

_ORCHARD = OrganizationSeed(
    name="orchard",
    display_name="Orchard",
    description="Small tools that last",
    members=(
        ("maren", OrgRole.OWNER),
        ("tomasz", OrgRole.ADMIN),
        ("irena", OrgRole.MEMBER),
        ("yuki", OrgRole.MEMBER),
    ),
    teams=(
        TeamSeed("core", "Decides what press does", ("maren", "tomasz")),
        TeamSeed("writers", "Keeps the handbook", ("irena",)),
    ),
)

_HANDBOOK = RepositorySeed(
    owner="orchard",
    name="handbook",
    description="How we work",
    at=9,
    history=History(
        commits=(
            Commit(
                "start",
                (),
                "Begin the handbook",
                _I,
                after(10),
                {"README.md": "# Handbook\n\n* [Releases](releases.md)\n"},
            ),
            Commit(
                "releases",
                ("start",),
                "Write down how we release",
                _I,
                after(12),
                {"releases.md": "# Releases\n\n1. Note what changed.\n2. Tag.\n"},
            ),
            Commit(
                "reviews",
                ("releases",),
                "Write down how we review",
                _T,
                after(30),
                {"reviews.md": "# Reviews\n\nSay what is good, too.\n"},
            ),
            Commit("merge", ("releases", "reviews"), "Merge branch 'reviews'", _I, after(33)),
        ),
        branches={"reviews": "reviews", "main": "merge"},
    ),
    labels=DEFAULT_LABELS,
    discussions=(
        PullRequestSeed(
            at=31,
            author="tomasz",
            title="How we review",
            body="One page, one sentence. More when we need it.",
            source="reviews",
            head="reviews",
            base="releases",
            merge="merge",
            labels=("documentation",),
            reviews=(ReviewSeed("irena", ReviewState.APPROVED),),
        ),
        IssueSeed(
            at=40,
            author="yuki",
            title="Link the page about reviews",
            body="The README knows of releases only.",
            labels=("documentation", "good first issue"),
            assignee="irena",
        ),
        IssueSeed(
            at=41,
            author="maren",
            title="Choose a licence",
            body="For texts.",
            comments=(CommentSeed("irena", "CC BY 4.0, as agreed."),),
            closed=("maren", 43),
        ),
    ),
    teams={"core": Permission.WRITE, "writers": Permission.WRITE},
    stars=("irena", "yuki"),
    watchers=("irena",),
)

_LEDGER = RepositorySeed(
    owner="orchard",
    name="ledger",
    description="What we earn and spend",
    at=19,
    visibility=Visibility.PRIVATE,
    history=History(
        commits=(
            Commit("start", (), "Open the books", _M, after(20), {"2026.csv": "date,amount\n"}),
            Commit(
                "january",
                ("start",),
                "January",
                _M,
                after(90),
                {"2026.csv": "date,amount\n2026-01-07,-12.00\n2026-01-08,40.00\n"},
            ),
        ),
        branches={"main": "january"},
    ),
    labels=DEFAULT_LABELS,
    teams={"core": Permission.ADMIN},
    watchers=("maren",),
)

_DOTFILES = RepositorySeed(
    owner="maren",
    name="dotfiles",
    description="My settings",
    default_branch="trunk",
    history=History(
        commits=(
            Commit("start", (), "Shell", _M, after(1), {".profile": "export EDITOR=vi\n"}),
            Commit(
                "git",
                ("start",),
                "Git",
                _M,
                after(2),
                {".gitconfig": "[pull]\n\trebase = true\n"},
            ),
        ),
        branches={"trunk": "git"},
        tags=(Tag("old-laptop", "start", "As it was on the old laptop"),),
    ),
    collaborators={"tomasz": Permission.READ},
    stars=("kofi",),
)

DEMO = Site(
    people=EVERYBODY,
    organizations=(_ORCHARD,),
    repositories=(PRESS, _HANDBOOK, _LEDGER, _DOTFILES, FORK),
)
