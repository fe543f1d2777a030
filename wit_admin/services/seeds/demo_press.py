"""The demo's main repository ``press``, with its issues and pull requests, and its fork."""

from __future__ import annotations

from wit_admin.db.models.organizations import Permission
from wit_admin.db.models.pull_requests import ReviewState
from wit_admin.services.seeds.dev import DEFAULT_LABELS
from wit_admin.services.seeds.press_history import FORK_HISTORY, HISTORY
from wit_admin.services.seeds.site import (
    CommentSeed,
    IssueSeed,
    PullRequestSeed,
    RepositorySeed,
    ReviewSeed,
)

_TALK = (
    IssueSeed(
        at=27,
        author="yuki",
        title="A page about HTML comes out as HTML",
        body="Write `<b>` in a page, and everything after it is bold.",
        labels=("bug",),
        assignee="tomasz",
        comments=(
            CommentSeed("tomasz", "Confirmed. Nothing is escaped at all."),
            CommentSeed("maren", "Fixed in v0.2.0.", at=77),
        ),
        closed=("maren", 77),
    ),
    PullRequestSeed(
        at=51,
        author="tomasz",
        title="Escape text",
        body="Closes #1.",
        source="fix/escape",
        head="escape",
        base="tests",
        merge="merge-escape",
        labels=("bug",),
        reviews=(ReviewSeed("maren", ReviewState.APPROVED, "With a test, thank you."),),
    ),
    PullRequestSeed(
        at=54,
        author="irena",
        title="Write a feed",
        body="RSS, because every reader knows it.",
        source="feed",
        head="feed-docs",
        base="tests",
        merge="merge-feed",
        labels=("enhancement",),
        reviews=(
            ReviewSeed("maren", ReviewState.CHANGES_REQUESTED, "The README should tell of it."),
            ReviewSeed("maren", ReviewState.APPROVED),
        ),
    ),
    IssueSeed(
        at=80,
        author="kofi",
        title="Paths with backslashes end up in links",
        body="On Windows the links in the feed have backslashes.",
        labels=("bug", "good first issue"),
        comments=(CommentSeed("maren", "`as_posix()` should do. Would you like to try?"),),
    ),
    IssueSeed(
        at=81,
        author="irena",
        title="Say how to host the site",
        body="Any web server will do, but which folder goes where?",
        labels=("documentation",),
        assignee="irena",
    ),
    PullRequestSeed(
        at=102,
        author="yuki",
        title="Search in the browser",
        body="An index of words as JSON; the page itself comes next.",
        source="feature/search",
        head="search-stop",
        base="changes",
        labels=("enhancement",),
        reviews=(
            ReviewSeed("tomasz", ReviewState.CHANGES_REQUESTED, "Umlauts get lost, I think."),
            ReviewSeed("irena", ReviewState.APPROVED, "I would use it today."),
        ),
        comments=(
            CommentSeed("tomasz", "Is three letters enough?", "press/search.py", 12),
            CommentSeed("yuki", "For English. I can make it a setting."),
        ),
    ),
    PullRequestSeed(
        at=104,
        author="kofi",
        title="Render pages in threads",
        body="Twice as fast with 1,000 pages. Or so I thought.",
        source="threads",
        head="threads",
        base="changes",
        is_closed=True,
        comments=(CommentSeed("kofi", "It is not; rendering holds the lock all the time."),),
    ),
    PullRequestSeed(
        at=121,
        author="irena",
        title="Themes",
        body="Not ready. Tell me whether you like the direction.",
        source="themes",
        head="themes",
        base="changes",
        is_draft=True,
    ),
    IssueSeed(
        at=130,
        author="yuki",
        title="Drop Python 3.9",
        body="It has no fixes any more.",
        comments=(CommentSeed("maren", "With the next release."),),
    ),
)

PRESS = RepositorySeed(
    owner="orchard",
    name="press",
    description="Turns a folder of Markdown into a web site",
    history=HISTORY,
    labels=DEFAULT_LABELS,
    discussions=_TALK,
    teams={"core": Permission.ADMIN},
    stars=("maren", "tomasz", "irena", "kofi", "yuki"),
    watchers=("maren", "tomasz", "yuki"),
)

FORK = RepositorySeed(
    owner="kofi",
    name="press",
    description="Turns a folder of Markdown into a web site",
    history=FORK_HISTORY,
    discussions=(
        PullRequestSeed(
            at=141,
            author="kofi",
            title="Write links with slashes",
            body="Closes #4.",
            source="windows-paths",
            head="posix",
            base="changes",
            labels=("bug",),
        ),
    ),
    at=135,
    fork_of="orchard/press",
)
