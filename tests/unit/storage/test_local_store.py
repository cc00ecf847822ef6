import errno
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from steelyard.errors import BlobMismatchError, BlobNotFoundError, ConfigError, StorageUnavailableError
from steelyard.storage import LocalBlobStore, MemoryBlobStore, compute_cid, open_store

WRITE_FOR_EVER = """
import sys, random
from pathlib import Path
from steelyard.storage import LocalBlobStore
store, source = LocalBlobStore(Path(sys.argv[1])), random.Random(int(sys.argv[2]))
while True:
    print(store.put(source.randbytes(1_500_000)), flush=True)
"""

WRITE_ON_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from steelyard.errors import StorageUnavailableError
from steelyard.storage import LocalBlobStore
store = LocalBlobStore(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    store.put(bytes(1_000_000))
except StorageUnavailableError as exc:
    print(exc)
print(store.put(b"small"))
"""

WRITE_THE_SAME = """
import random, sys
from pathlib import Path
from steelyard.storage import LocalBlobStore
store, source = LocalBlobStore(Path(sys.argv[1])), random.Random(7)
for blob in [source.randbytes(300_000) for _ in range(25)]:
    store.put(blob)
"""


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_damaged_file_is_a_mismatch_and_putting_mends_it(tmp_path: Path) -> None:
    store = LocalBlobStore(tmp_path)
    cid = store.put(b"good bytes")
    (tmp_path / str(cid)).write_bytes(b"good byteZ")
    with pytest.raises(BlobMismatchError):
        store.get(cid, 100)
    store.put(b"good bytes")
    assert store.get(cid, 100) == b"good bytes"


def test_a_directory_in_a_blobs_place_is_a_failure_of_the_store(tmp_path: Path) -> None:
    cid = compute_cid(b"x")
    (tmp_path / str(cid)).mkdir()
    store = LocalBlobStore(tmp_path)
    assert not store.has(cid)
    with pytest.raises(StorageUnavailableError):
        store.get(cid, 100)


def test_a_directory_that_vanished_is_a_failure_of_the_store(tmp_path: Path) -> None:
    store = LocalBlobStore(tmp_path / "blobs")
    (tmp_path / "blobs").rmdir()
    with pytest.raises(StorageUnavailableError):
        store.put(b"x")


def test_a_full_disk_is_said_and_leaves_nothing_behind(tmp_path: Path) -> None:
    # The kernel refuses to let files of the child grow beyond 100,000 bytes: a write that fails half-way, for real.
    child = start(WRITE_ON_A_FULL_DISK, tmp_path)
    output, errors = child.communicate(timeout=30)
    assert child.returncode == 0, errors
    said, small = output.splitlines()
    assert "could not store" in said
    assert "File too large" in said
    assert os.listdir(tmp_path) == [small]  # noqa: PTH208  hidden files count


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_disk_that_fills_up_at_the_last_moment_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """File systems that allocate late say so at `fsync`, and a full directory at the rename."""

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    store = LocalBlobStore(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(os, call, fail)
        with pytest.raises(StorageUnavailableError, match="No space left on device"):
            store.put(b"new")
    assert list(tmp_path.iterdir()) == []
    assert store.get(store.put(b"new"), 3) == b"new"


def test_a_writer_killed_at_any_moment_leaves_only_whole_blobs(tmp_path: Path) -> None:
    store, reported = LocalBlobStore(tmp_path), set()
    chance = random.Random(20)
    for seed in range(4):
        child = start(WRITE_FOR_EVER, tmp_path, seed)
        assert child.stdout is not None
        reported.add(child.stdout.readline().strip())
        time.sleep(chance.uniform(0.01, 0.1))
        child.kill()
        output, _ = child.communicate()
        reported |= set(output.split())
    names = {path.name for path in tmp_path.iterdir() if not path.name.startswith(".partial-")}
    assert reported <= names, "whatever put returned for is there"
    for name in names:
        cid = compute_cid((tmp_path / name).read_bytes())
        assert str(cid) == name, "no name without all of its bytes"
        assert len(store.get(cid, 1_500_000)) == 1_500_000


def test_processes_share_a_directory(tmp_path: Path) -> None:
    source = random.Random(7)
    expected = {compute_cid(blob): blob for blob in (source.randbytes(300_000) for _ in range(25))}
    store = LocalBlobStore(tmp_path)
    children = [start(WRITE_THE_SAME, tmp_path) for _ in range(3)]
    while any(child.poll() is None for child in children):
        for cid, blob in expected.items():
            try:
                assert store.get(cid, 300_000) == blob
            except BlobNotFoundError:
                continue  # not written yet; a part of it would be a mismatch
    for child in children:
        _, errors = child.communicate()
        assert child.returncode == 0, errors
    assert {path.name for path in tmp_path.iterdir()} == {str(cid) for cid in expected}


def test_abandoned_partial_files_are_removed_and_fresh_ones_left(tmp_path: Path) -> None:
    abandoned, fresh = tmp_path / ".partial-old", tmp_path / ".partial-new"
    for path in (abandoned, fresh):
        path.write_bytes(b"half")
    os.utime(abandoned, (time.time() - 7_200, time.time() - 7_200))
    LocalBlobStore(tmp_path)
    assert not abandoned.exists()
    assert fresh.exists()


def test_stores_open_by_url(tmp_path: Path) -> None:
    cid = open_store(f"local:{tmp_path}/deep/er").put(b"kept")
    assert open_store(f"local:{tmp_path}/deep/er").get(cid, 4) == b"kept"
    assert isinstance(open_store("memory:"), MemoryBlobStore)


@pytest.mark.parametrize("url", ["", "local", "local:", "memory:x", "s3:bucket", "/srv/blobs"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="local:PATH"):
        open_store(url)


def test_a_path_that_is_no_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigError, match="cannot be used"):
        open_store(f"local:{tmp_path}/file")
