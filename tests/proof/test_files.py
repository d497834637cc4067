"""Files on disk: read with a bound, written whole or not at all."""

import pytest

from numen.proof.files import FileError, read_file, write_file


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "key"
    write_file(path, b"one")
    write_file(path, b"two")

    assert read_file(path) == b"two"
    assert [p.name for p in tmp_path.iterdir()] == ["key"]
    with pytest.raises(FileError):
        write_file(tmp_path / "missing" / "key", b"")
    (tmp_path / "folder").mkdir()
    with pytest.raises(FileError):
        write_file(tmp_path / "folder", b"x")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder", "key"]


def test_a_file_is_read_up_to_a_bound(tmp_path):
    path = tmp_path / "data"
    path.write_bytes(b"12345")

    assert read_file(path, size_max=5) == b"12345"
    for size_max in (0, 4):
        with pytest.raises(FileError, match="more than"):
            read_file(path, size_max=size_max)
    for other in (tmp_path, tmp_path / "absent"):
        with pytest.raises(FileError):
            read_file(other)
