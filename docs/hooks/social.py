"""What a link to a page shows elsewhere: its title, its first sentences and, where `site_url` is set, a picture.

The picture's address has to be a whole one, so that a build without `site_url` draws none. It is drawn here, with the
font that matplotlib brings; nothing is fetched.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

SIZE = (1200, 630)
_GROUND, _INK, _OTHER = "#14532d", "#ffffff", "#b7d8c3"
_LONGEST = 200


def description(content: str) -> str:
    """The first paragraph of a page as plain text, cut between words."""
    for found in re.finditer(r"<p>(.*?)</p>", content, re.DOTALL):
        text = " ".join(html.unescape(re.sub(r"<math.*?</math>|<[^>]+>", "", found[1], flags=re.DOTALL)).split())
        if len(text) > 20:
            return text if len(text) <= _LONGEST else f"{text[:_LONGEST].rsplit(' ', 1)[0]} ..."
    return ""


def tags(title: str, text: str, site: str, address: str | None, picture: str | None) -> str:
    """The lines for a page's head."""
    found = {"og:type": "website", "og:site_name": site, "og:title": title, "og:description": text}
    if address and picture:
        found |= {"og:url": address, "og:image": picture, "og:image:width": str(SIZE[0])}
        found |= {"og:image:height": str(SIZE[1]), "og:image:alt": title}
    lines = [f'<meta property="{name}" content="{html.escape(value)}">' for name, value in found.items() if value]
    lines.append(f'<meta name="twitter:card" content="{"summary_large_image" if picture else "summary"}">')
    return "\n".join(lines)


def draw(title: str, text: str, path: Path) -> None:
    """Writes the picture of a page: the site's name, the title and what the page is about."""
    import matplotlib
    from PIL import Image, ImageDraw, ImageFont

    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    bold, plain = fonts / "DejaVuSans-Bold.ttf", fonts / "DejaVuSans.ttf"
    picture = Image.new("RGB", SIZE, _GROUND)
    pen = ImageDraw.Draw(picture)
    pen.text((80, 60), "zoo", _OTHER, ImageFont.truetype(bold, 40))
    # The largest letters in which the longest word fits on a line; a name of Python's has no blank to break at.
    size = next(size for size in (76, 60, 48, 38, 30, 22) if size == 22 or _widest(title, bold, size) <= SIZE[0] - 160)
    y = 150
    for letters, font, color, most in ((title, (bold, size), _INK, 3), (text, (plain, 30), _OTHER, 4)):
        for line in _broken(letters, ImageFont.truetype(*font))[:most]:
            pen.text((80, y), line, color, ImageFont.truetype(*font))
            y += round(1.3 * font[1])
        y += 36
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.quantize(32).save(path, optimize=True)


def _widest(text: str, font: Path, size: int) -> float:
    from PIL import ImageFont

    return max(ImageFont.truetype(font, size).getlength(word) for word in text.split())


def _broken(text: str, font: Any) -> list[str]:
    """Lines that are no wider than the picture's middle."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= SIZE[0] - 160 or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def on_page_content(content: str, page: Any, **_: Any) -> str:
    """A page without a description of its own gets its first paragraph; the theme writes it into the head."""
    page.meta.setdefault("description", html.escape(description(content)))  # the theme does not escape it
    return content


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Adds the lines, and draws the picture where it can be addressed."""
    title, text = (
        (config.site_name if page.is_homepage else page.title),
        html.unescape(page.meta.get("description", "")),
    )
    picture = None
    if config.site_url:
        name = f"assets/cards/{page.file.src_uri.removesuffix('.md')}.png"
        draw(title, text, Path(config.site_dir) / name)
        picture = f"{config.site_url.rstrip('/')}/{name}"
    found = tags(title, text, config.site_name, page.canonical_url, picture)
    return output.replace("</head>", f"{found}\n</head>", 1)
