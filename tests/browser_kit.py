"""A real browser, headless, for tests of pages: Chromium or Chrome. Without one they are skipped; in CI they fail."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
PHONE = {"width": 400, "height": 800}
LEGIBLE = 11  # CSS pixels
CONTRAST = 4.5  # WCAG 2.2, 1.4.3, level AA

OPEN = "document.querySelectorAll('details').forEach(details => details.open = true)"
# Every text that is shown: [the text, its size, its contrast with what lies under it].
TEXTS = """() => {
  const numbers = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const over = (top, under) => { const a = top[3] ?? 1; return [0, 1, 2].map(i => top[i] * a + under[i] * (1 - a)); };
  const light = colour => colour.map(c => c / 255).map(c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
  const contrast = (one, other) => { const [a, b] = [light(one), light(other)].sort((x, y) => y - x);
    return (a + .05) / (b + .05); };
  const ground = element => { const below = element.parentElement ? ground(element.parentElement) : [255, 255, 255];
    const own = numbers(getComputedStyle(element).backgroundColor);
    return own.length ? over(own, below) : below; };
  const beneath = text => { const at = text.getBoundingClientRect(), x = at.x + at.width / 2, y = at.y + at.height / 2;
    return [...text.ownerSVGElement.querySelectorAll('rect')].filter(rect => { const r = rect.getBoundingClientRect();
      return r.x <= x && x <= r.right && r.y <= y && y <= r.bottom && getComputedStyle(rect).fill !== 'none'; })
      .reduce((under, rect) => { const style = getComputedStyle(rect);
        return over([...numbers(style.fill).slice(0, 3), Number(style.fillOpacity)], under); }, ground(text)); };
  return [...document.body.querySelectorAll('*')]
    .filter(element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
    .filter(element => element.checkVisibility({visibilityProperty: true}))
    .map(element => { const style = getComputedStyle(element), svg = element instanceof SVGTextElement;
      const ink = numbers(svg ? style.fill : style.color).slice(0, 3);
      return [element.textContent.trim().slice(0, 60), parseFloat(style.fontSize),
        contrast(ink, svg ? beneath(element) : ground(element))]; })
    .filter(([, size]) => size > 0);
}"""


@contextlib.contextmanager
def started() -> Iterator[Browser]:
    as_root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        places = [*map(shutil.which, NAMES), MAC, playwright.chromium.executable_path]
        found = next((place for place in places if place is not None and Path(place).exists()), None)
        if found is None:
            reason = "no Chromium and no Chrome on this machine: apt install chromium, or playwright install chromium"
            pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
        browser = playwright.chromium.launch(executable_path=found, args=as_root)
        yield browser
        browser.close()
