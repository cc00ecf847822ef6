"""A folder of images with one folder a class. Classes are numbered in the order of their folders' names."""

import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from steelyard.errors import DataError
from trainer_client.data.dataset import MAX_VALUES, Dataset, build_dataset

MAX_PIXELS: Final = 2**24
"""The largest image that is decoded: 16 megapixels."""

_FORMATS: Final = ("BMP", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
_CHANNELS: Final = {"L": 1, "RGB": 3}


def load_images(
    folder: Path, size: tuple[int, int] | None = None, mode: str = "L", num_classes: int | None = None
) -> Dataset:
    """Reads every image below `folder/CLASS/`, scaled to `[0, 1]`, shape `(N, channels, height, width)`.

    Args:
      folder: its sub-folders are the classes; names that begin with a dot are passed over.
      size: width and height that every image is resized to; without it all must have one size.
      mode: `L` (grey) or `RGB`.
      num_classes: the number of folders if not given.

    Raises:
      DataError: there are no classes or no images, or a file is not an image, too large, damaged, or of another size.
    """
    if mode not in _CHANNELS:
        raise DataError(f"`{mode}` is not a mode of images: `L` or `RGB`")
    if size is not None and not 0 < size[0] * size[1] <= MAX_PIXELS:
        raise DataError(f"images of {size[0]}x{size[1]} pixels have none, or more than {MAX_PIXELS:,}")
    try:
        classes = sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
        files = [(path, label) for label, entry in enumerate(classes) for path in _files(entry)]
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {error}") from error
    if not files:
        raise DataError(f"{folder} is empty: {len(classes)} folders of classes, no image in them")

    pixels: NDArray[np.uint8] | None = None
    for index, (path, _) in enumerate(files):
        image = _read(path, size, mode)
        if pixels is None:
            if len(files) * image.size > MAX_VALUES:
                raise DataError(f"{len(files):,} images of {image.size:,} values are more than {MAX_VALUES:,}")
            pixels = np.empty((len(files), *image.shape), np.uint8)
        if image.shape != pixels.shape[1:]:
            first, this = (f"{shape[-1]}x{shape[-2]}" for shape in (pixels.shape, image.shape))
            raise DataError(f"{path} has {this} pixels, {files[0][0]} {first}; `size=WIDTHxHEIGHT` resizes them")
        pixels[index] = image
    if pixels is None:
        raise DataError(f"{folder} is empty")
    labels = np.array([label for _, label in files])
    return build_dataset(pixels.astype(np.float32) / 255, labels, num_classes or len(classes))


def _files(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if entry.is_file() and not entry.name.startswith("."))


def _read(path: Path, size: tuple[int, int] | None, mode: str) -> NDArray[Any]:
    try:
        # Pillow only warns of an image that may be a decompression bomb; sizes are checked before a pixel is decoded.
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise DataError(f"{path} has {image.width}x{image.height} pixels, more than {MAX_PIXELS:,}")
                converted = image.convert(mode)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(f"{path} has too many pixels: {error}") from error
    except UnidentifiedImageError as error:
        raise DataError(f"{path} is not an image of a known format ({', '.join(_FORMATS)})") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(f"{path} is damaged: {error}") from error
    if size is not None and converted.size != size:
        converted = converted.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(converted, np.uint8).reshape(*converted.size[::-1], _CHANNELS[mode]).transpose(2, 0, 1)
