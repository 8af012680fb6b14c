"""Formulas between dollars become MathML when the site is built: no script, and nothing is fetched from elsewhere."""

from __future__ import annotations

import html
import re
from typing import Any

_BLOCK = re.compile(r'<div class="arithmatex">\\\[(.*?)\\\]</div>', re.DOTALL)
_INLINE = re.compile(r'<span class="arithmatex">\\\((.*?)\\\)</span>', re.DOTALL)


def on_page_content(content: str, **_: Any) -> str:
    """Replaces what the extension arithmatex has marked; MkDocs calls this for every page."""
    from latex2mathml.converter import convert

    content = _BLOCK.sub(lambda found: convert(html.unescape(found[1]).strip(), display="block"), content)
    return _INLINE.sub(lambda found: convert(html.unescape(found[1]).strip()), content)
