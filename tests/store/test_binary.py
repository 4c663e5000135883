from pathlib import Path

import pytest
from glottis.core.store import EmbeddedMongoFailed
from glottis.core.store.binary import PROGRAM, find_mongod


def packaged(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lay out an installed distribution "fake-mongo", and return where its mongod belongs."""
    info = folder / "fake_mongo-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Name: fake-mongo\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(str(folder))
    program = folder / PROGRAM
    program.parent.mkdir(parents=True)
    return program


def test_the_program_of_the_extra_gets_its_run_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = packaged(tmp_path / "site", monkeypatch)
    program.write_text("mongod")
    program.chmod(0o644)
    assert find_mongod(tmp_path, distributions=["fake-mongo"]) == program
    assert program.stat().st_mode & 0o111


def test_a_program_that_cannot_be_changed_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = packaged(tmp_path / "site", monkeypatch)
    program.symlink_to("/proc/version")  # even root may not change its mode
    copy = find_mongod(tmp_path, distributions=["fake-mongo"])
    assert copy == tmp_path / "mongod"
    assert copy.read_text() == program.read_text()
    assert copy.stat().st_mode & 0o100


def test_without_the_extra_mongod_is_taken_from_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "mongod"
    program.parent.mkdir()
    program.write_text("mongod")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    assert find_mongod(tmp_path, distributions=["not-installed"]) == program


def test_without_any_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EmbeddedMongoFailed) as failure:
        find_mongod(tmp_path, distributions=["not-installed"])
    assert "glottis[embedded]" in str(failure.value)
    assert "GLOTTIS_MONGO_URL" in str(failure.value)
