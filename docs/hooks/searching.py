"""Pages are found by words that people search for and that no heading has: `search_words` of mkdocs.yml.

They stand there, for a page that begins with such lines shows them to who reads it in the repository.
"""

from __future__ import annotations

from typing import Any


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """Gives a page its words, which count more than those in its text; MkDocs calls this for every page."""
    words = config.extra.get("search_words", {}).get(page.file.src_uri)
    if words:
        page.meta.setdefault("tags", words)
        page.meta.setdefault("search", {"boost": 3})
    return markdown
