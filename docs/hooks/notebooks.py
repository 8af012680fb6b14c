"""The notebooks of `examples/notebooks` as pages, with the outputs that are stored in them: nothing is executed here.

Where the site's configuration has the address of a repository (`repo_url` in mkdocs.yml, its one place), every page
gets a link to edit it, and every notebook one that opens it in Colab. Without an address there are no such links.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

NOTEBOOKS = Path(__file__).resolve().parent.parent.parent / "examples" / "notebooks"
BRANCH = "main"
COLAB = "https://colab.research.google.com/github/"
# Outputs are told from code by their class; what is HTML already, as a card, goes in as it is.
TEMPLATE = """\
{% extends 'markdown/index.md.j2' %}
{% block stream %}

``` { .text .zoo-output }
{{ output.text.rstrip() }}
```

{% endblock %}
{% block data_text %}

``` { .text .zoo-output }
{{ output.data['text/plain'].rstrip() }}
```

{% endblock %}
"""


def page(path: Path, repository: str | None = None) -> tuple[str, dict[str, bytes]]:
    """The Markdown of a notebook, and its pictures by their names beside the page."""
    import nbformat
    from nbconvert import MarkdownExporter

    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if "colab" not in cell.metadata.get("tags", [])]
    names = {"unique_key": path.stem, "output_files_dir": f"{path.stem}_files"}
    text, found = MarkdownExporter(raw_template=TEMPLATE).from_notebook_node(notebook, names)
    text = re.sub(r"\]\((\w+)\.ipynb\)", r"](\1.md)", text)
    text = re.sub(r"\]\(\.\./\.\./docs/", "](../", text)
    text = text.replace("![png](", "![What the cell above draws](")
    heading, _, rest = text.lstrip().partition("\n")
    links = f"[Download the notebook]({path.name}) {colab(path.name, repository)}".strip()
    return f"{heading}\n\n{links}\n{rest}", found["outputs"] | {path.name: path.read_bytes()}


def colab(name: str, repository: str | None) -> str:
    """A link that opens a notebook of a repository on GitHub in Colab; nothing for other addresses, which it cannot."""
    found = re.fullmatch(r"https://github\.com/([^/]+/[^/]+?)(\.git)?/?", repository or "")
    return f"[Open in Colab]({COLAB}{found[1]}/blob/{BRANCH}/examples/notebooks/{name})" if found else ""


def on_config(config: Any) -> Any:
    """Says where sources are edited; without a repository MkDocs would warn of half an address."""
    config.edit_uri = f"edit/{BRANCH}/docs/" if config.repo_url else None
    return config


def on_files(files: Any, config: Any) -> Any:
    """Adds the pages and their pictures; MkDocs calls this once a build."""
    from mkdocs.structure.files import File

    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        text, pictures = page(path, config.repo_url)
        made = File.generated(config, f"notebooks/{path.stem}.md", content=text)
        made.edit_uri = f"../examples/notebooks/{path.name}"
        files.append(made)
        for name, content in pictures.items():
            files.append(File.generated(config, f"notebooks/{name}", content=content))
    return files


def on_post_page(output: str, **_: Any) -> str:
    """The theme's script would ask the repository's host for stars and releases at each visit: only the link stays."""
    return output.replace('data-md-component="source"', "")
