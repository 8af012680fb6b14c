"""What the site is made of: pages of cards, the command line, formulas. `make docs` builds it whole."""

from __future__ import annotations

import importlib
import importlib.util
import re
import types
from pathlib import Path

import pytest

import zoo
from tests.test_readme import CARD
from zoo.hub import registry

pytestmark = pytest.mark.once


def load_hook(root: Path, name: str) -> types.ModuleType:
    return load_script(root / "docs" / "hooks" / f"{name}.py")


def load_script(path: Path) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(f"docs_{path.stem}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_page_of_a_card(root: Path) -> None:
    page = load_hook(root, "models").card_page(CARD)
    for text in (
        "# net10_<wbr>digits<wbr>.v2",
        "title: net10_digits.v2",
        "zoo evaluate net10_digits.v2",
        "It is smaller.",
        "group: p4",
        "rotate, shift",
    ):
        assert text in page
    assert "curves" not in page  # there is no history to draw
    assert "newer tag" not in page


def test_an_older_tag_points_to_the_newest(root: Path) -> None:
    models = load_hook(root, "models")
    page = models.card_page(CARD, newest="v10")
    assert '!!! warning "There is a newer tag"\n\n    [' in page and "](net10_digits.v10.md)" in page
    assert "newer tag" not in models.card_page(CARD, newest="v2")


def test_cards_are_in_the_navigation_the_newest_first(root: Path) -> None:
    models = load_hook(root, "models")
    families = models.navigation(models.tables.load_cards())[0]["Cards"]
    names = [next(iter(page)) for family in families for pages in family.values() for page in pages]
    tags = [name for name in names if name.startswith("e4net_mnistrot.")]
    assert len(tags) > 1 and tags[0] == f"e4net_mnistrot.{zoo.card('e4net_mnistrot').tag}"
    assert len(names) == len(list((root / "weights").glob("*/*/card.json")))


def test_every_public_name_has_a_group(root: Path) -> None:
    reference = load_hook(root, "reference")
    names = reference.public_names()
    found, again = reference.grouped(names)
    listed = [path for paths in found.values() for path in paths] + again
    assert sorted(listed) == sorted(f"{module}.{name}" for module, inside in names.items() for name in inside)
    assert "More" not in found, "a module without a group in docs/hooks/reference.toml"
    assert [title for title, paths in found.items() if not paths] == []
    wanted = [name for group in reference.groups() for name in group["names"] if "*" not in name]
    assert [name for name in wanted if name not in listed] == [], "reference.toml names what is not public"
    assert "zoo.hub.load" in again and "zoo.load" in found["Load and ask"]
    page = reference.index_page(names)
    assert [path for path in listed if f"]({path}.md)" not in page] == []
    assert re.findall(r"^.*\|  *\|$", page, re.MULTILINE) == [], "a public name without a sentence"


def test_site_and_served_page_have_one_colour_and_sign(root: Path) -> None:
    site, page = root / "docs" / "assets", root / "zoo" / "serving" / "page"
    links = re.findall(r"--md-typeset-a-color: (#\w+)", (site / "zoo.css").read_text("utf-8"))
    accents = re.findall(r"--accent: (#\w+)", (page / "style.css").read_text("utf-8"))
    assert len(accents) == 2 and sorted(links) == sorted(accents)
    assert (site / "favicon.svg").read_bytes() == (page / "icon.svg").read_bytes()


def test_the_table_links_names_and_families(root: Path) -> None:
    models = load_hook(root, "models")
    page = models.index_page([{**CARD, "family": "e4net"}])
    assert "[<code>net10_<wbr>digits<wbr>.v2</code>](net10_digits.v2.md)" in page and "[E4-Net](../e4net.md)" in page
    assert (
        "net10_digits.v2.md) | image classification | digits | 1.25 | 18,118 | 17.6 |  | 0 |" in page
    )  # no time measured


@pytest.mark.parametrize("family", [path.rpartition(".")[2] for path in registry.FAMILIES])
def test_every_family_has_a_page_with_its_parameters(root: Path, family: str) -> None:
    page = root / "docs" / load_hook(root, "models").FAMILY_PAGES[family]
    assert page.is_file(), f"the family {family} needs the page docs/{page.name}"
    assert family in load_hook(root, "models").FAMILY_NAMES, f"the family {family} needs a name for people"
    if family == "backbones":  # no paper's networks: a page about conversion
        return
    rows = dict(re.findall(r"^\| `(\w+)` .*\| ([\d,]+) \|$", page.read_text("utf-8"), re.MULTILINE))
    presets = importlib.import_module(f"zoo.models.{family}").PRESETS
    assert rows == {preset.name: f"{preset.parameters:,}" for preset in presets}, (
        f"docs/{page.name} needs a table with a row for each preset: its `name` first, its parameters (1,234) last"
    )


def test_pictures_are_svg_and_always_the_same(root: Path) -> None:
    models = load_hook(root, "models")
    card = next(card for card in models.tables.load_cards() if models.has_history(card))
    first, again = models.curve_plot(card), models.curve_plot(card)
    assert first.startswith(b"<?xml") and b"validation" in first and first == again


def test_times_are_those_of_the_results(root: Path) -> None:
    models = load_hook(root, "models")
    cards, times = models.tables.load_cards(), models.tables.load_latency()
    groups = models.timed(cards, times)
    assert "cifar10" in groups and all(card["name"] in times for group in groups.values() for card in group)
    assert "imagenet" not in groups  # its one model was not measured
    some = groups["scene15"]
    assert models.timed(cards, {}) == {}
    drawn = models.time_plot("scene15", some, times)
    assert drawn.startswith(b"<?xml") and drawn != models.size_plot("scene15", some)


def test_only_github_opens_in_colab(root: Path) -> None:
    hook = load_hook(root, "notebooks")
    wanted = (
        "[Open in Colab](https://colab.research.google.com/github/someone/zoo/blob/main/examples/notebooks/a.ipynb)"
    )
    for address in (
        "https://github.com/someone/zoo",
        "https://github.com/someone/zoo/",
        "https://github.com/someone/zoo.git",
    ):
        assert hook.colab("a.ipynb", address) == wanted
    assert hook.colab("a.ipynb", None) == hook.colab("a.ipynb", "https://example.org/someone/zoo") == ""


def test_edit_links_need_a_repository(root: Path) -> None:
    hook = load_hook(root, "notebooks")
    with_one = hook.on_config(types.SimpleNamespace(repo_url="https://github.com/someone/zoo", edit_uri=None))
    without = hook.on_config(types.SimpleNamespace(repo_url=None, edit_uri=None))
    assert (with_one.edit_uri, without.edit_uri) == ("edit/main/docs/", None)
    link = '<a href="https://github.com/someone/zoo" class="md-source" data-md-component="source">'
    assert "component" not in hook.on_post_page(link)  # no script asks the host for stars


def test_a_notebook_becomes_a_page(root: Path) -> None:
    pytest.importorskip("nbconvert", reason="needs zoo[docs]")
    hook = load_hook(root, "notebooks")
    text, files = hook.page(root / "examples" / "notebooks" / "first_steps.ipynb", "https://github.com/someone/zoo")
    assert text.startswith("# First steps\n\n[Download the notebook](first_steps.ipynb) [Open in Colab](")
    for part in ("```python\n", "``` { .text .zoo-output }\n40 of 40 right\n```", "<table>", "](own_pictures.md)"):
        assert part in text
    assert files.pop("first_steps.ipynb") == (root / "examples" / "notebooks" / "first_steps.ipynb").read_bytes()
    assert len(files) == 2 and all(f"![What the cell above draws]({name})" in text for name in files)
    assert all(content.startswith(b"\x89PNG") for content in files.values())


def test_every_notebook_is_in_the_navigation(root: Path) -> None:
    text = (root / "mkdocs.yml").read_text("utf-8")
    for path in (root / "examples" / "notebooks").glob("*.ipynb"):
        assert f": notebooks/{path.stem}.md" in text


def test_links_elsewhere_show_a_page(root: Path, tmp_path: Path) -> None:
    from PIL import Image

    social = load_hook(root, "social")
    text = social.description(
        "<h1>A</h1><p>Short.</p>\n<p>What <b>x</b> &amp; <math><mi>y</mi></math> are, said once.</p>"
    )
    assert text == "What x & are, said once."
    assert len(social.description(f"<p>{'word ' * 100}</p>")) <= 204
    lines = social.tags('A "page"', text, "zoo", None, None)
    assert 'content="A &quot;page&quot;"' in lines and "og:image" not in lines
    lines = social.tags("A", text, "zoo", "https://example.org/a/", "https://example.org/a.png")
    assert '<meta property="og:image" content="https://example.org/a.png">' in lines
    social.draw("zoo.datasets.register_augmentation_with_a_long_name", text, tmp_path / "cards" / "a.png")
    with Image.open(tmp_path / "cards" / "a.png") as picture:
        assert picture.size == social.SIZE


def test_commands_are_listed(root: Path) -> None:
    page = load_hook(root, "reference").command_page()
    for command in ("## zoo predict", "## zoo train", "## zoo data prepare"):
        assert command in page


def test_cards_say_what_a_recipe_says_and_nothing_else(root: Path) -> None:
    models = load_hook(root, "models")
    card = next(card for card in models.tables.load_cards() if card["name"] == "resnet32_cifar10")
    page = models.card_page(card)
    assert "| learning rate | 0.2 |" in page and "| momentum | 0.9 |" in page and "% right of 5,000 |" in page
    for absent in ("overrides", "milestones", "decay factor", "None", "start"):
        assert f"| {absent}" not in page
    assert page.index("## Numbers") < page.index("## Learning curves") < page.index("assets/curves/")


def test_presets_with_weights_lead_to_their_cards(root: Path) -> None:
    page = types.SimpleNamespace(file=types.SimpleNamespace(src_uri="e4net.md"))
    table = "| Preset | Fields |\n| --- | --- |\n| `e4net_mnistrot` | 16 |\n| `nothing` | 1 |\n"
    linked = load_hook(root, "models").on_page_markdown(table, page)
    tag = zoo.card("e4net_mnistrot").tag
    assert f"| [`e4net_mnistrot`](models/e4net_mnistrot.{tag}.md) | 16 |" in linked and "| `nothing` | 1 |" in linked
    page.file.src_uri = "start.md"
    assert load_hook(root, "models").on_page_markdown(table, page) == table


def test_words_that_people_search_for_are_given_to_pages_that_exist(root: Path) -> None:
    text = (root / "mkdocs.yml").read_text("utf-8")
    block = re.search(r"^  search_words:\n((?:    .+\n)+)", text, re.MULTILINE)
    assert block
    words = {page: found.split(", ") for page, found in re.findall(r"^    (\S+): \[(.+)\]$", block[1], re.MULTILINE)}
    made = {f"reference/zoo.{name}.md" for name in zoo.__all__}
    gone = [page for page in words if page not in made and not (root / "docs" / page).is_file()]
    assert "finetune" in words["fine-tune.md"] and gone == []
    page = types.SimpleNamespace(file=types.SimpleNamespace(src_uri="fine-tune.md"), meta={})
    other = types.SimpleNamespace(file=types.SimpleNamespace(src_uri="hub.md"), meta={})
    config = types.SimpleNamespace(extra={"search_words": words})
    for one in (page, other):
        assert load_hook(root, "searching").on_page_markdown("text", one, config) == "text"
    assert page.meta["tags"] == words["fine-tune.md"] and other.meta == {}


def test_pictures_of_pages_have_a_twin_for_dark_ones(root: Path) -> None:
    pages = {path: path.read_text("utf-8") for path in (root / "docs").glob("*.md")}
    named = {name for text in pages.values() for name in re.findall(r"\(images/(\w+)\.png\)", text)}
    there = {path.stem for path in (root / "docs" / "images").glob("*.png")}
    assert named and there == named | {f"{name}-dark" for name in named}
    drawn = set(load_script(root / "docs" / "draw.py").PICTURES) | {"turning"}  # which an example draws
    assert drawn == named


def test_a_page_shows_the_picture_that_fits_its_colours(root: Path) -> None:
    both = load_hook(root, "themes").on_page_markdown
    page = types.SimpleNamespace(file=types.SimpleNamespace(src_uri="scene.md"))
    config = types.SimpleNamespace(docs_dir=str(root / "docs"))
    light, dark = both("![A digit](images/digits.png)", page=page, config=config).splitlines()
    assert light == "![A digit](images/digits.png#only-light)"
    assert dark == "![A digit](images/digits-dark.png#only-dark)"
    other = "![A file](images/nowhere.png)"
    assert both(other, page=page, config=config) == other


def test_the_tables_that_are_drawn_are_found(root: Path) -> None:
    table = load_script(root / "docs" / "draw.py").table
    head, *depths = table("pdegcn.md", "| Layers | 2 ")
    assert [int(depth) for depth in head[1:]] == [2, 4, 8, 16, 32, 64]
    assert [row[0] for row in depths] == ["PDE-GCN D", "plain GCN"] and {len(row) for row in depths} == {7}
    head, *ratios = table("synaptic.md", "| ranked by |")
    assert head[1] == "30 %" and {len(row) for row in (head, *ratios)} == {10}


def test_the_reference_has_the_values_of_defaults(root: Path, tmp_path: Path) -> None:
    griffe = pytest.importorskip("griffe", reason="needs zoo[docs]")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("from shop.facts import SHARE, OTHER\n\nMAPPED = dict(a=1)\n")
    (tmp_path / "shop" / "facts.py").write_text("SHARE = 0.2\nOTHER = (1, 2)\n")
    (tmp_path / "shop" / "doing.py").write_text(
        "from shop import MAPPED, OTHER\nfrom shop.facts import SHARE\n\n"
        "def do(a=SHARE, b=OTHER, c=MAPPED, d=print): ...\n\nclass Plan:\n    share: float = SHARE\n"
    )
    extensions = griffe.load_extensions(str(root / "docs" / "griffe_examples.py"))
    package = griffe.load("shop", search_paths=[tmp_path], extensions=extensions)
    assert [str(parameter.default) for parameter in package["doing.do"].parameters] == [
        "0.2",
        "(1, 2)",
        "MAPPED",
        "print",
    ]
    assert str(package["doing.Plan.share"].value) == "0.2"
