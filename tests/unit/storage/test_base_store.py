"""The base class keeps its promises whatever an implementation does."""

import pytest

from steelyard.errors import BlobMismatchError, BlobNotFoundError, BlobTooLargeError, StorageUnavailableError
from steelyard.storage import BlobStore, compute_cid
from steelyard.types import Cid

CID = compute_cid(b"right")


class AnsweringStore(BlobStore):
    """Answers every call with what it was given: an exception is raised, anything else returned."""

    def __init__(self, answer: object) -> None:
        self._answer = answer

    def _reply(self) -> object:
        if isinstance(self._answer, BaseException):
            raise self._answer
        return self._answer

    def _write(self, cid: Cid, data: bytes) -> None:
        self._reply()

    def _read(self, cid: Cid, max_bytes: int) -> bytes:
        return self._reply()  # type: ignore[return-value]

    def _has(self, cid: Cid) -> bool:
        return self._reply()  # type: ignore[return-value]


def test_other_bytes_are_a_mismatch() -> None:
    with pytest.raises(BlobMismatchError) as raised:
        AnsweringStore(b"wrong").get(CID, 100)
    assert (raised.value.cid, raised.value.got) == (str(CID), str(compute_cid(b"wrong")))


def test_the_same_digest_under_another_codec_is_a_mismatch() -> None:
    other = Cid.from_pair(CID.digest, 0x70)
    with pytest.raises(BlobMismatchError):
        AnsweringStore(b"right").get(other, 100)


def test_more_bytes_than_agreed_are_too_large_before_they_are_hashed() -> None:
    with pytest.raises(BlobTooLargeError):
        AnsweringStore(b"rights").get(CID, 5)


@pytest.mark.parametrize("answer", [None, 5, "right", [1], KeyError("x"), OSError(28, "No space left on device")])
def test_whatever_else_happens_the_store_is_unavailable(answer: object) -> None:
    with pytest.raises(StorageUnavailableError, match=str(CID)):
        AnsweringStore(answer).get(CID, 100)


@pytest.mark.parametrize("answer", [KeyError("x"), OSError(28, "No space left on device"), MemoryError()])
def test_failures_to_put_and_to_look_are_translated_too(answer: Exception) -> None:
    with pytest.raises(StorageUnavailableError, match="could not store"):
        AnsweringStore(answer).put(b"right")
    with pytest.raises(StorageUnavailableError, match="could not look for"):
        AnsweringStore(answer).has(CID)


@pytest.mark.parametrize("answer", [BlobNotFoundError(str(CID)), StorageUnavailableError("down")])
def test_storage_errors_pass_unchanged(answer: Exception) -> None:
    with pytest.raises(type(answer)) as raised:
        AnsweringStore(answer).get(CID, 100)
    assert raised.value is answer


def test_an_interrupt_is_not_swallowed() -> None:
    with pytest.raises(KeyboardInterrupt):
        AnsweringStore(KeyboardInterrupt()).get(CID, 100)
