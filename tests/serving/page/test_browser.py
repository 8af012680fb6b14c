"""The page in headless Chromium: what a person does, and what they see."""

from __future__ import annotations

import shutil

import pytest

webdriver = pytest.importorskip("selenium.webdriver", reason="the browser test drives Chromium with selenium")

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER),
        reason="chromium and chromedriver are not installed (Debian: chromium, chromium-driver)",
    ),
]


@pytest.fixture(scope="module")
def browser():
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def page(browser, server):
    """The opened page, ready for an image; in the end, the console must be empty."""
    browser.get(server.url + "/")
    wait(browser, lambda: element(browser, "model").is_enabled())
    browser.get_log("browser")
    yield browser
    assert browser.get_log("browser") == []


def element(browser, name):
    return browser.find_element("id", name)


def wait(browser, condition):
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, 20).until(lambda _: condition())


def choose(page, path):
    element(page, "file").send_keys(str(path))


def shown(page, name):
    """Whether a picture has been loaded and can be seen."""
    picture = element(page, name)
    return picture.is_displayed() and page.execute_script("return arguments[0].naturalWidth > 0", picture)


def test_an_uploaded_image_is_predicted_and_explained(page, image):
    choose(page, image)
    wait(page, lambda: "bright" in element(page, "status").text)
    bars = [bar.text for bar in page.find_elements("css selector", "#bars li")]
    assert len(bars) == 3 and bars[0].startswith("bright") and "%" in bars[0]
    wait(page, lambda: all(shown(page, name) for name in ("seen", "overlay", "given")))
    assert "bright" in element(page, "explained").text and not element(page, "error").is_displayed()


def test_an_example_is_a_click(page):
    wait(page, lambda: len(page.find_elements("css selector", "#example-list img")) == 8)
    page.find_element("css selector", "#example-list button").click()
    wait(page, lambda: shown(page, "overlay"))


def test_errors_are_said_in_words(page, image, tmp_path):
    (tmp_path / "text.png").write_text("no image")
    choose(page, tmp_path / "text.png")
    wait(page, lambda: "The image cannot be read" in element(page, "error").text)
    assert not element(page, "answer").is_displayed()
    # The browser itself reports the 400 in the console: that one line is expected.
    assert ["400" in line["message"] for line in page.get_log("browser")] == [True]
    choose(page, image)
    wait(page, lambda: element(page, "answer").is_displayed() and not element(page, "error").is_displayed())


def test_only_models_for_images_can_be_chosen(page):
    assert [option.text for option in page.find_elements("css selector", "#model option")] == ["corner"]


def test_the_keyboard_reaches_everything(page):
    """Tab goes to the model, its classes, the file and the examples; each of them has a name."""
    reached = []
    for _ in range(5):
        webdriver.ActionChains(page).send_keys(webdriver.Keys.TAB).perform()
        reached.append(page.switch_to.active_element)
    assert [one.tag_name for one in reached] == ["select", "summary", "input", "button", "button"]
    names = [reached[index].accessible_name for index in (0, 2, 3)]
    assert names == ["Model", "Choose an image or drop one here", "Example 1"]
    assert "classes" in reached[1].text


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_sticks_out(page, image, width):
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    choose(page, image)
    wait(page, lambda: shown(page, "overlay"))
    assert page.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
