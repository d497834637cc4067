"""Make the pictures of the dashboard that the guide shows: docs/pictures/dashboard.png.

    python tools/picture.py

It runs `numen demo`, serves its log by `numen dashboard`, and looks at it with Chromium.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from browser import Browser

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "pictures"


def main() -> None:
    """Make them."""
    numen = [sys.executable, "-m", "numen"]
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "NUMEN_HOME": home}
        subprocess.run([*numen, "demo", "--json"], env=environment, check=True, capture_output=True)
        serving = subprocess.Popen(
            [*numen, "dashboard", "--port", "0", "--json"], env=environment, stdout=subprocess.PIPE
        )
        assert serving.stdout is not None
        try:
            url = json.loads(serving.stdout.readline())["dashboard"]
            with Browser() as browser:
                browser.look(1200, 830)
                browser.open(url)
                browser.until("document.querySelectorAll('.card').length > 2")
                FOLDER.mkdir(exist_ok=True)
                (FOLDER / "dashboard.png").write_bytes(browser.picture())
        finally:
            serving.terminate()
            serving.wait()
            serving.stdout.close()
    print(FOLDER / "dashboard.png")


if __name__ == "__main__":
    main()
