"""What is in the tree is what gets installed: a file missing from the lists works here and nowhere else."""

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

Read = Callable[[Path], dict[str, Any]]


def modules_of(folder: Path, package: str) -> set[str]:
    """Name every module below a folder that installs as `package`."""
    names = set()
    for file in folder.rglob("*.py"):
        parts = file.relative_to(folder).with_suffix("").parts
        names.add(".".join([package, *parts]).removesuffix(".__init__"))
    return names


def test_every_subpackage_is_named_in_pyproject(root: Path, rooms: tuple[str, ...], project_of: Read) -> None:
    real = {
        ".".join(("glottis", *init.parent.relative_to(root).parts))
        for room in rooms
        for init in (root / room).rglob("__init__.py")
    }
    named = project_of(root)["tool"]["setuptools"]["packages"]
    assert named == sorted(real)


def test_every_folder_of_modules_is_a_package(files: list[Path], rooms: tuple[str, ...]) -> None:
    folders = {file.parent for file in files if file.suffix == ".py" and file.parts[0] in rooms}
    assert not [str(folder) for folder in folders if folder / "__init__.py" not in files]


def test_every_provider_names_its_packages_and_registers_itself(
    providers: list[Path], project_of: Read
) -> None:
    for folder in providers:
        package = f"glottis_{folder.name}"
        project = project_of(folder)
        real = {
            ".".join(init.parent.relative_to(folder).parts)
            for init in (folder / package).rglob("__init__.py")
        }
        assert set(project["tool"]["setuptools"]["packages"]) == real, folder.name
        name = folder.name.replace("_", "-")
        assert project["project"]["name"] == f"glottis-{name}"
        assert project["project"]["entry-points"]["glottis.plugins"] == {name: f"{package}.plugin"}
        assert (folder / package / "py.typed").exists(), folder.name
        assert (folder / "README.md").exists(), folder.name


def test_every_provider_is_known_to_the_import_linter_and_the_type_checker(
    root: Path, providers: list[Path], project_of: Read
) -> None:
    named = {f"glottis_{folder.name}" for folder in providers}
    linter = project_of(root)["tool"]["importlinter"]
    layers, provider_contract, *_ = linter["contracts"]
    assert {name for name in linter["root_packages"] if name.startswith("glottis_")} == named
    assert set(layers["layers"][0].split(" | ")) == named
    assert set(provider_contract["source_modules"]) == named
    links = {link.name: link.resolve() for link in (root / ".typing").iterdir() if link.is_symlink()}
    assert links == {f"glottis_{folder.name}": folder / f"glottis_{folder.name}" for folder in providers}


def test_every_dependency_is_pinned(root: Path, providers: list[Path], project_of: Read) -> None:
    pins = {}
    for line in (root / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            name, version = line.split("==")
            pins[canonicalize_name(name)] = version
    ours = {"glottis", *(canonicalize_name(f"glottis-{folder.name}") for folder in providers)}
    for folder in (root, *providers):
        project = project_of(folder)
        needed = [
            *project["build-system"]["requires"],
            *project["project"].get("dependencies", []),
            *(
                each
                for extra in project["project"].get("optional-dependencies", {}).values()
                for each in extra
            ),
        ]
        for requirement in map(Requirement, needed):
            name = canonicalize_name(requirement.name)
            if name not in ours:
                assert name in pins, f"{folder.name}: {name} is not in constraints.txt: run .ci/pin"
                assert requirement.specifier.contains(pins[name]), f"{folder.name}: {requirement}"


def test_what_is_pinned_is_what_is_installed(root: Path) -> None:
    installed = {canonicalize_name(each.name): each.version for each in importlib.metadata.distributions()}
    pins = re.findall(r"(?m)^([\w.-]+)==(\S+)$", (root / "constraints.txt").read_text(encoding="utf-8"))
    differing = {name: pin for name, pin in pins if installed.get(canonicalize_name(name), pin) != pin}
    assert not differing, "upgraded since: run .ci/pin"


@pytest.fixture(scope="module")
def wheel(root: Path, files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy that holds nothing but the project's own files."""
    copy, out = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("wheel")
    for file in files:
        if file.parts[0] not in ("providers", "tests", "docs"):
            (copy / file.parent).mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / file, copy / file)
    _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", out, copy)
    return next(out.glob("*.whl"))


def _pip(*arguments: str | Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_rooms(
    wheel: Path, files: list[Path], rooms: tuple[str, ...]
) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("glottis/")}
    assert packed == {f"glottis/{file.as_posix()}" for file in files if file.parts[0] in rooms}


IMPORT_ALL = """
import importlib, json, sys
sys.path.insert(0, sys.argv[1])
places = {name: importlib.import_module(name).__file__ for name in json.loads(sys.argv[2])}
print(json.dumps(places))
"""


@pytest.mark.slow
def test_the_wheel_installs_and_every_module_of_it_imports(
    wheel: Path, root: Path, rooms: tuple[str, ...], tmp_path: Path
) -> None:
    _pip("install", "--no-deps", "--target", tmp_path, wheel)
    names = sorted(
        name
        for room in rooms
        for name in modules_of(root / room, f"glottis.{room}")
        if not name.endswith(".__main__")
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", IMPORT_ALL, str(tmp_path), json.dumps(names)],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    places = json.loads(done.stdout.splitlines()[-1])
    assert not {name: place for name, place in places.items() if not place.startswith(str(tmp_path))}


def test_the_command_is_installed_with_the_package() -> None:
    scripts = {entry.name: entry.value for entry in importlib.metadata.entry_points(group="console_scripts")}
    assert scripts["glottis"].startswith("glottis.api.cli")
