import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from steelyard.errors import ConfigError
from steelyard.storage import compute_cid
from steelyard.types import Address, Digest, ProjectId
from trainer_client.journal import Entry, Journal, Prepared, locked, state_folder

PREPARED = Prepared(compute_cid(b"payload"), Digest(bytes(range(32))))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.json"


def test_entries_survive(path: Path) -> None:
    journal = Journal.load(path)
    entry = journal.record(journal.get(3, 1), prepared=PREPARED)
    entry = journal.record(entry, submitted_tx="0x01")
    journal.record(entry, opens=False, attested_tx="0x02")

    assert Journal.load(path).entries == (Entry(3, 1, PREPARED, "0x01", opens=False, attested_tx="0x02"),)


def test_an_attempt_without_entry_is_empty(path: Path) -> None:
    journal = Journal.load(path)
    journal.record(journal.get(3, 1), prepared=PREPARED)
    assert journal.get(4, 1) == Entry(4, 1)


def test_it_stays_small(path: Path) -> None:
    journal = Journal.load(path)
    for attempt in range(1, 101):
        journal.record(journal.get(attempt, attempt), prepared=PREPARED)
    assert [entry.attempt for entry in Journal.load(path).entries] == list(range(37, 101))


@pytest.mark.parametrize("point", ["open", "fsync", "replace"])
def test_a_crash_at_any_point_of_a_write_leaves_the_old_journal(
    path: Path, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal.load(path)
    journal.record(journal.get(1, 0), prepared=PREPARED)
    before = Journal.load(path).entries

    def crash(*_args: object, **_kwargs: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os if point == "fsync" else Path, point, crash)
        with pytest.raises(KeyboardInterrupt):
            journal.record(journal.get(2, 0), prepared=PREPARED)
    assert Journal.load(path).entries == before


def test_a_full_disk_is_reported_and_nothing_is_claimed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal.load(path)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match="No space left"):
        journal.record(journal.get(1, 0), prepared=PREPARED)
    assert journal.get(1, 0).prepared is None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"version": 2, "entries": []}',
        '{"version": 1, "entries": [{}]}',
        '{"version": 1, "entries": [{"attempt": 1, "round_index": 0, "prepared": {"cid": "x"}}]}',
        '{"version": 1, "entries": [{"attempt": 1, "prepared": {"cid": "x", "commitment_hash": ""}}]}',
        '{"version": 1, "entries": [{"attempt": 1, "round_index": 0, "prepared": null, "seed": "secret"}]}',
    ],
)
def test_another_file_is_refused_with_advice(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(ConfigError, match="journal") as caught:
        Journal.load(path)
    assert "deleted" in caught.value.hint


def test_the_file_holds_identifiers_and_nothing_else(path: Path) -> None:
    journal = Journal.load(path)
    journal.record(journal.get(1, 0), prepared=PREPARED)
    (entry,) = json.loads(path.read_text())["entries"]
    assert entry.keys() == {"attempt", "round_index", "prepared", "submitted_tx", "opens", "attested_tx"}
    assert entry["prepared"].keys() == {"cid", "commitment_hash"}


def test_the_folder_tells_chains_deployments_projects_and_accounts_apart(tmp_path: Path) -> None:
    one, other = Address("0x" + "aB" * 20), Address("0x" + "cd" * 20)
    folders = {
        state_folder(tmp_path, chain, marketplace, ProjectId(bytes([project]) * 32), account)
        for chain in (1, 2)
        for marketplace in (one, other)
        for project in (1, 2)
        for account in (one, other)
    }
    assert len(folders) == 16


def test_one_process_at_a_time_and_a_killed_one_lets_go(tmp_path: Path) -> None:
    code = (
        "import sys, time, pathlib\n"
        "from trainer_client.journal import locked\n"
        "with locked(pathlib.Path(sys.argv[1])):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(ConfigError, match="another process"), locked(tmp_path):
            pass
        process.kill()
    with locked(tmp_path):
        pass
