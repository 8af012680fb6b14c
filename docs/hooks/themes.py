"""A picture of a page has a twin for dark pages: `images/turning.png` and `images/turning-dark.png`.

Pages name the first one, which is what readers of the repository see; the site shows the one that fits.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_PICTURE = re.compile(r"!\[([^\]]*)\]\(((?:\.\./)*images/[\w./]+)\.png\)")


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """Puts both pictures where a page names the one; MkDocs calls this for every page."""
    folder = Path(config.docs_dir, page.file.src_uri).parent

    def both(found: re.Match[str]) -> str:
        words, path = found.groups()
        if not (folder / f"{path}-dark.png").is_file():
            return found[0]
        return f"![{words}]({path}.png#only-light)\n![{words}]({path}-dark.png#only-dark)"

    return _PICTURE.sub(both, markdown)
