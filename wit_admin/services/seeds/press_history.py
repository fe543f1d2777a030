"""The commits of the demo's repository ``press``, which makes web sites, and of its fork."""

from __future__ import annotations

from wit_admin.git.objects.history import Commit, History, Tag
from wit_admin.services.seeds.people import IRENA, KOFI, MAREN, TOMASZ, YUKI
from wit_admin.services.seeds.site import after

_README = """\
# press

Turns a folder of Markdown files into a web site.

    python -m press notes/ site/
"""

_README_WITH_FEED = (
    _README
    + """
With `--feed` it also writes `feed.xml`, newest page first.
"""
)

_MAIN = '''\
"""Turn a folder of Markdown files into a web site."""

import sys
from pathlib import Path

from press.pages import find_pages, render


def main() -> int:
    source, target = map(Path, sys.argv[1:3])
    for page in find_pages(source):
        path = target / page.relative_to(source).with_suffix(".html")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render(page.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
'''

_PAGES = '''\
"""Pages: where they are, and what they look like."""

from collections.abc import Iterator
from pathlib import Path


def find_pages(folder: Path) -> Iterator[Path]:
    """Yield the Markdown files below the folder, sorted."""
    yield from sorted(folder.rglob("*.md"))


def render(text: str) -> str:
    """Return a page of HTML."""
    blocks = text.strip().split("\\n\\n")
    return "\\n".join(_block(block) for block in blocks)


def _block(block: str) -> str:
    if block.startswith("# "):
        return f"<h1>{block[2:]}</h1>"
    return f"<p>{block}</p>"
'''

_PAGES_ESCAPED = (
    _PAGES.replace(
        "from pathlib import Path\n", "from html import escape\nfrom pathlib import Path\n"
    )
    .replace("{block[2:]}", "{escape(block[2:])}")
    .replace("{block}<", "{escape(block)}<")
)

_FEED = '''\
"""A feed of the newest pages."""

from pathlib import Path
from xml.sax.saxutils import escape


def render_feed(pages: list[Path], base: str) -> str:
    """Return RSS 2.0 with one item for each page, in the order given."""
    items = "".join(
        f"<item><title>{escape(page.stem)}</title><link>{base}/{page.stem}.html</link></item>"
        for page in pages
    )
    return f'<rss version="2.0"><channel>{items}</channel></rss>'
'''

_SEARCH = '''\
"""An index of words, for search in the browser."""

import json
import re
from pathlib import Path


def build_index(pages: list[Path]) -> str:
    """Return JSON: for each word the pages that have it."""
    index: dict[str, list[str]] = {}
    for page in pages:
        for word in set(re.findall(r"\\w{3,}", page.read_text().lower())):
            index.setdefault(word, []).append(page.stem)
    return json.dumps(index, sort_keys=True)
'''

_TEST = """\
from press.pages import render


def test_a_heading_becomes_h1() -> None:
    assert render("# Hello") == "<h1>Hello</h1>"
"""

_TEST_ESCAPED = (
    _TEST
    + """

def test_text_is_escaped() -> None:
    assert render("a < b") == "<p>a &lt; b</p>"
"""
)

_M, _T, _I, _K, _Y = (person.author for person in (MAREN, TOMASZ, IRENA, KOFI, YUKI))

_RELEASED = (
    Commit("start", (), "Begin with a README", _M, after(0), {"README.md": _README}),
    Commit("pages", ("start",), "Find and render pages", _M, after(3), {"press/pages.py": _PAGES}),
    Commit(
        "main",
        ("pages",),
        "Add the command\n\nIt takes two folders, where from and where to.",
        _M,
        after(5),
        {"press/__main__.py": _MAIN, "press/__init__.py": ""},
    ),
    Commit("tests", ("main",), "Test headings", _T, after(26), {"tests/test_pages.py": _TEST}),
    Commit(
        "escape",
        ("tests",),
        "Escape text\n\nA page about HTML came out as HTML.",
        _T,
        after(50),
        {"press/pages.py": _PAGES_ESCAPED, "tests/test_pages.py": _TEST_ESCAPED},
    ),
    Commit("feed", ("tests",), "Write a feed", _I, after(52), {"press/feed.py": _FEED}),
    Commit(
        "feed-docs", ("feed",), "Tell of the feed", _I, after(53), {"README.md": _README_WITH_FEED}
    ),
    Commit("merge-escape", ("tests", "escape"), "Merge branch 'fix/escape'", _M, after(72)),
    Commit("merge-feed", ("merge-escape", "feed-docs"), "Merge branch 'feed'", _M, after(75)),
    Commit(
        "changes",
        ("merge-feed",),
        "Note what changed",
        _M,
        after(76),
        {"CHANGELOG.md": "# Changes\n\n## 0.2.0\n\n- A feed.\n- Text is escaped.\n"},
    ),
)
_TOPICS = (
    Commit("search", ("changes",), "Index words", _Y, after(98), {"press/search.py": _SEARCH}),
    Commit(
        "search-stop",
        ("search",),
        "Leave common words out of the index",
        _Y,
        after(101),
        {"press/stopwords.txt": "and\nfor\nthe\nwith\n"},
    ),
    Commit(
        "threads",
        ("changes",),
        "Render pages in threads",
        _K,
        after(99),
        {"press/pool.py": "from concurrent.futures import ThreadPoolExecutor\n"},
    ),
    Commit(
        "themes",
        ("changes",),
        "Sketch themes",
        _I,
        after(120),
        {"themes/plain.css": "body { max-width: 40em; margin: auto; }\n"},
    ),
)

HISTORY = History(
    commits=(*_RELEASED, *_TOPICS),
    branches={
        "fix/escape": "escape",
        "feature/search": "search-stop",
        "threads": "threads",
        "themes": "themes",
        "main": "changes",
    },
    tags=(
        Tag("v0.1.0", "main", "press 0.1.0: pages"),
        Tag("v0.2.0", "changes", "press 0.2.0: a feed, and escaped text"),
    ),
)

FORK_HISTORY = History(
    commits=(
        *_RELEASED,
        Commit(
            "posix",
            ("changes",),
            "Write links with slashes",
            _K,
            after(140),
            {"press/feed.py": _FEED.replace("{page.stem}.html", "{page.as_posix()}")},
        ),
    ),
    branches={"windows-paths": "posix", "main": "changes"},
    tags=HISTORY.tags,
)
