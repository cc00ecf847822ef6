"""The IDX format of MNIST and its descendants (http://yann.lecun.com/exdb/mnist), plain or gzipped."""

import gzip
import math
import zlib
from pathlib import Path
from typing import IO, Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import DataError
from trainer_client.data.dataset import MAX_VALUES, Dataset, build_dataset

_TYPES: Final = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_PREFIXES: Final = {"train": "train", "test": "t10k"}


def load_idx(folder: Path, part: str = "train", num_classes: int | None = None) -> Dataset:
    """Reads the images and labels of a folder as MNIST names them. Bytes are scaled to `[0, 1]`.

    Args:
      folder: holds `train-images-idx3-ubyte`, `train-labels-idx1-ubyte` and `t10k-…`, each with or without `.gz`.
      part: `train` or `test`.
      num_classes: one more than the largest label if not given.

    Raises:
      DataError: a file is missing, damaged, too large or too small, or a rule of `build_dataset` is broken.
    """
    if part not in _PREFIXES:
        raise DataError(f"`{part}` is not a part of an IDX folder: `train` or `test`")
    images = read_idx(_find(folder, f"{_PREFIXES[part]}-images"))
    labels = read_idx(_find(folder, f"{_PREFIXES[part]}-labels"))
    features = images.astype(np.float32) / 255 if images.dtype == np.uint8 else images
    return build_dataset(features, labels, num_classes)


def read_idx(path: Path) -> NDArray[Any]:
    """The array in one IDX file.

    Raises:
      DataError: always with what is wrong.
    """
    try:
        with cast("IO[bytes]", gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")) as file:
            return _read(path, file)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def _read(path: Path, file: IO[bytes]) -> NDArray[Any]:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _TYPES or not magic[3]:
        raise DataError(f"{path} does not begin like an IDX file but with {magic.hex() or 'nothing'}")
    sizes = file.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise DataError(f"{path} ends within its header")
    shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4"))
    kind = np.dtype(_TYPES[magic[2]])
    expected = math.prod(shape) * kind.itemsize
    if math.prod(shape) > MAX_VALUES:
        raise DataError(f"{path} declares {math.prod(shape):,} values, more than {MAX_VALUES:,}")
    content = file.read(expected + 1)
    if len(content) != expected:
        found = "more" if len(content) > expected else f"{len(content):,}"
        raise DataError(f"{path} declares shape {shape}, that is {expected:,} bytes, and has {found}")
    return np.frombuffer(content, kind).reshape(shape).astype(kind.newbyteorder("="))


def _find(folder: Path, stem: str) -> Path:
    found = sorted(folder.glob(f"{stem}*idx*-ubyte")) or sorted(folder.glob(f"{stem}*idx*-ubyte.gz"))
    if len(found) != 1:
        raise DataError(f"{folder} has {len(found)} files named {stem}-idx…-ubyte or {stem}-idx…-ubyte.gz")
    return found[0]
