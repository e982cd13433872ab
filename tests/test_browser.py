"""Every page of the built book in Chromium: offline, formulas rendered, figures loaded, readable in light, dark, small."""

from __future__ import annotations

import functools
import http.server
import re
import threading
from pathlib import Path

import chromium
import pytest
from built_book import ROOT, strict_build
from playwright.sync_api import Page, sync_playwright

PAGES = sorted(path.stem for path in (ROOT / "chapters").glob("*.md"))
LEAST_CONTRAST = 4.5  # WCAG 2, level AA, for text
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}

# the colours of an element's text and of what lies behind it, blended from the top down
CONTRAST = """
(selectors) => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const data = canvas.getImageData(0, 0, 1, 1).data;
    return [data[0], data[1], data[2], data[3] / 255];
  };
  const over = (top, bottom) => [0, 1, 2].map((i) => top[i] * top[3] + bottom[i] * (1 - top[3])).concat([1]);
  const background = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) layers.push(rgba(getComputedStyle(e).backgroundColor));
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
  };
  const luminance = (colour) => {
    const [r, g, b] = colour.map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  for (const element of document.querySelectorAll(selectors)) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.offsetParent || element.closest("mjx-assistive-mml")) continue;
    const behind = background(element);
    const text = over(rgba(getComputedStyle(element).color), behind);
    const [low, high] = [luminance(text), luminance(behind)].sort((a, b) => a - b);
    const ratio = (high + 0.05) / (low + 0.05);
    found.push([ratio, element.tagName + "." + element.className + ": " + element.textContent.trim().slice(0, 40)]);
  }
  return found.sort((a, b) => a[0] - b[0]);
}
"""
TEXT = ", ".join(
    f".bd-article {name}" for name in
    ("p", "li", "h1", "h2", "h3", "a", "code", "pre", "pre span", "td", "th", "figcaption", "figcaption span", "summary", "span")
)

# elements wider than the window that no ancestor lets scroll
TOO_WIDE = """
() => {
  const scrolls = (element) => {
    for (let e = element; e && e !== document.body; e = e.parentElement)
      if (["auto", "scroll", "hidden"].includes(getComputedStyle(e).overflowX)) return true;
    return false;
  };
  return [...document.querySelectorAll(".bd-article *")]
    .filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && e.offsetParent && !scrolls(e))
    .map((e) => e.tagName + "." + e.className);
}
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def pages() -> Path:
    return strict_build().pages


@pytest.fixture(scope="module")
def address(pages):
    handler = functools.partial(Quiet, directory=str(pages))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="module")
def browser():
    path = chromium.find()
    assert path, "no Chromium: run python tests/chromium.py --install"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=chromium.FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, address):
    """Open a page; at the end assert that it asked no other host for anything and logged no error."""
    asked, errors, contexts = [], [], []

    def open_page(name: str, *, viewport=DESKTOP, scheme="light") -> Page:
        context = browser.new_context(viewport=viewport, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("requestfailed", lambda request: errors.append(f"failed: {request.url}"))
        page.on("response", lambda answer: errors.append(f"{answer.status}: {answer.url}") if answer.status >= 400 else None)
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{address}/chapters/{name}.html", wait_until="load")
        if page.locator(".math").count():
            page.wait_for_function("() => window.MathJax && MathJax.startup && MathJax.startup.promise")
            page.evaluate("() => MathJax.startup.promise")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert asked
    assert not [url for url in asked if not url.startswith((address, "data:", "blob:"))]
    assert not errors


def formulas_in_source(text: str) -> int:
    """How many formulas a built page holds, from its HTML: inline ones, display ones."""
    return len(re.findall(r'<(?:span|div) class="math notranslate nohighlight"', text))


@pytest.mark.parametrize("name", PAGES)
def test_formulas_are_rendered(visit, pages, name):
    page = visit(name)
    expected = formulas_in_source((pages / "chapters" / f"{name}.html").read_text(encoding="utf-8"))
    rendered = page.locator("mjx-container").count()
    print(f"{name}: {rendered} formulas")
    assert rendered == expected
    assert page.locator("mjx-merror, [data-mjx-error]").count() == 0
    widths = page.evaluate("() => [...document.querySelectorAll('mjx-container')].filter(e => e.offsetParent).map(e => e.offsetWidth)")
    assert all(width > 0 for width in widths)


def test_formulas_of_the_chapters_are_all_counted(pages):
    for name in PAGES:
        if name[:2].isdigit():
            source = (ROOT / "chapters" / f"{name}.md").read_text(encoding="utf-8")
            prose = re.sub(r"^```.*?^```", "", source, flags=re.M | re.S)
            displays = re.findall(r"\$\$.+?\$\$", prose, re.S)
            page = (pages / "chapters" / f"{name}.html").read_text(encoding="utf-8")
            assert len(re.findall(r'<div class="math notranslate nohighlight"', page)) == len(displays)


@pytest.mark.parametrize("name", PAGES)
def test_figures_are_loaded_and_described(visit, name):
    page = visit(name)
    figures = page.locator(".bd-article img")
    for index in range(figures.count()):
        figures.nth(index).scroll_into_view_if_needed()
        width, description = figures.nth(index).evaluate("async (e) => { await e.decode(); return [e.naturalWidth, e.alt]; }")
        assert width > 0
        assert len(description.split()) >= 4, f"figure {index + 1} has no alternative text: {description!r}"


@pytest.mark.parametrize("name", PAGES)
def test_page_fits_a_phone(visit, name):
    page = visit(name, viewport=PHONE)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"]
    assert page.evaluate(TOO_WIDE) == []
    ratios = page.evaluate("""() => [...document.querySelectorAll('.bd-article img')].map(
        (e) => (e.clientWidth / e.clientHeight) / (e.naturalWidth / e.naturalHeight))""")
    assert all(0.9 < ratio < 1.1 for ratio in ratios), "a figure is distorted"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_text_can_be_read(visit, name, scheme):
    page = visit(name, scheme=scheme)
    assert page.evaluate("() => document.documentElement.dataset.theme") == scheme
    page.evaluate("() => document.querySelectorAll('details').forEach((e) => { e.open = true; })")
    found = page.evaluate(CONTRAST, TEXT)
    assert found
    assert not [entry for entry in found if entry[0] < LEAST_CONTRAST]


@pytest.mark.parametrize("name", [name for name in PAGES if name[:2].isdigit()])
def test_hints_are_closed_and_open_with_a_click(visit, name):
    page = visit(name)
    hints = page.locator("details.sd-dropdown")
    assert hints.count() > 0
    for index in range(hints.count()):
        hint = hints.nth(index)
        assert hint.get_attribute("open") is None
        body = hint.locator(".sd-card-body")
        assert not body.is_visible()
        hint.locator("summary").click()
        assert body.is_visible()


def test_first_page_leads_to_the_course_and_search_finds(browser, address):
    context = browser.new_context(viewport=DESKTOP)
    page = context.new_page()
    page.goto(f"{address}/index.html")
    page.wait_for_url("**/chapters/index.html")
    page.goto(f"{address}/search.html?q=noise")
    page.wait_for_selector("#search-results li")
    context.close()
