"""Take the README's picture: the agreements in the atlas, never the synthetic works.

python scripts/take_picture.py [ATLAS.html] [PICTURE.png]
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
SIZE = {"width": 1360, "height": 860}


def main(page_file: Path, picture: Path) -> None:
    """Open the page from disk and take what a reader sees first."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport=SIZE)
        page.goto(page_file.resolve().as_uri())
        page.wait_for_selector("svg.main-svg")
        page.wait_for_timeout(1500)
        picture.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(picture))
        browser.close()


if __name__ == "__main__":
    given = [Path(argument) for argument in sys.argv[1:]]
    defaults = [ROOT / "build" / "atlas.html", ROOT / "docs" / "images" / "atlas.png"]
    main(*given, *defaults[len(given) :])
