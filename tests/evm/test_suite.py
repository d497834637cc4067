"""Many files in several processes, of which some die."""

import json
import multiprocessing
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from numen.evm import suite
from tests.evm.test_cli import state_test

REFERENCE = suite.Choice("reference")


def write_tests(folder: Path, count: int) -> list[Path]:
    for number in range(count):
        (folder / f"{number:02}.json").write_text(json.dumps({f"test {number}": state_test()}))
    return suite.find([folder])


def test_a_process_that_dies_takes_no_result_with_it(tmp_path):
    paths = write_tests(tmp_path, 12)

    results = suite.run_files(paths, REFERENCE, workers=2)
    first = next(results)
    for process in multiprocessing.active_children():
        process.kill()
    rest = list(results)

    names = [result.name for each in [first, *rest] for result in each]
    assert names == [f"test {number}" for number in range(12)]


def test_a_file_whose_process_dies_again_is_a_case_that_fails(tmp_path, monkeypatch):
    class DeadPool:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def submit(self, *_):
            future = Future()
            future.set_exception(BrokenProcessPool("a process died"))
            return future

    monkeypatch.setattr(suite, "_pool", lambda _workers: DeadPool())

    results = list(suite.run_files(write_tests(tmp_path, 2), REFERENCE, workers=2))

    assert [result.error for (result,) in results] == ["the engine's process died"] * 2
    assert not any(result.passed for (result,) in results)


def test_files_are_found_in_order_and_hidden_ones_are_not(tmp_path):
    for name in ("b.json", "a/z.json", "a/notes.txt", ".hidden.json", ".meta/index.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    hidden = tmp_path / ".hidden.json"

    found = suite.find([tmp_path, hidden])

    assert found == [tmp_path / "a/z.json", tmp_path / "b.json", hidden]
