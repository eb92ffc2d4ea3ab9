"""A real browser, and the pages that it is shown."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from autopilot.domain.report import Report
from report_page import render_html
from tests.page import samples

ROOT = Path(__file__).resolve().parents[2]
SAMPLES: dict[str, Callable[[], Report]] = {
    made.__name__: made
    for made in (samples.usual, samples.single, samples.many, samples.hostile, samples.nothing_known, samples.nothing_there)
}
#: The browser itself asks nobody for anything.
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync")
PHONE, DESKTOP = 390, 1280


class Shown(NamedTuple):
    """A page in the browser, and what happened while it was shown."""

    page: Page
    address: str
    asked_for: list[str]
    said: list[str]


Show = Callable[..., Shown]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    assert path, "no chromium on PATH: `make page` installs it where it can"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield started
        started.close()


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each sample as a file."""
    folder = tmp_path_factory.mktemp("pages")
    for name, made in SAMPLES.items():
        (folder / f"{name}.html").write_text(render_html(made()), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in SAMPLES}


@pytest.fixture
def show(browser: Browser, files: dict[str, Path]) -> Iterator[Show]:
    """Opens a sample at a width, light or dark."""
    contexts = []

    def open_page(name: str, width: int = DESKTOP, scheme: Any = "light") -> Shown:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page, asked_for, said = context.new_page(), list[str](), list[str]()
        page.on("request", lambda request: asked_for.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.goto(files[name].as_uri())
        return Shown(page, files[name].as_uri(), asked_for, said)

    yield open_page
    for context in contexts:
        context.close()
