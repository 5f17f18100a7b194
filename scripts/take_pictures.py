"""Take the README's pictures of the atlas: of agreements and projects, never of synthetic works.

python scripts/take_pictures.py [FOLDER]
"""

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

import collabnet as cn
from collabnet.atlas import write_atlas

ROOT = Path(__file__).resolve().parent.parent
SIZE = {"width": 1360, "height": 860}
PICTURES = {
    "atlas": "view=map&tab=world&layer=agreement",
    "atlas-overview": "view=overview&tab=world&layer=agreement",
    "atlas-agreements": "view=agreements&tab=world&layer=agreement&theme=dark",
}


def main(folder: Path) -> None:
    """Write an atlas without works, open it from disk and take what a reader sees."""
    with TemporaryDirectory() as place, sync_playwright() as playwright:
        sources = [ROOT / "data" / name for name in ("partnerships.csv", "mobility")]
        records = cn.ingest(sources, Path(place) / "store")
        file = write_atlas(records, Path(place) / "atlas.html", as_of="2026-06-30")
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for name, address in PICTURES.items():
            page = browser.new_page(viewport=SIZE)
            page.goto(f"{file.as_uri()}#{address}")
            page.wait_for_timeout(2000)
            page.screenshot(path=str(folder / f"{name}.png"))
            page.close()
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else ROOT / "docs" / "images")
