"""Tables of comma-separated values: one example a line, one of the columns its label."""

import csv
from array import array
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from steelyard.errors import DataError
from trainer_client.data.dataset import MAX_VALUES, Dataset, build_dataset


def load_csv(path: Path, label: str | None = None, num_classes: int | None = None) -> Dataset:
    """Reads a table of numbers. A first line with anything that is not a number is its header.

    Args:
      path: the file, UTF-8.
      label: name or number (from 0) of the label's column; the last one if not given.
      num_classes: one more than the largest label if not given.

    Raises:
      DataError: the file cannot be read, a line has too many or too few fields, a field is not a number, there is no
        such column, or a rule of `build_dataset` is broken.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            header, values, width = _read(path, file)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as CSV: {error}") from error
    if width < 2:
        raise DataError(f"{path} has {width} columns: a label and at least one feature are expected")
    table = np.frombuffer(values, np.float64).reshape(-1, width)
    column = _find_column(path, label, header, width)
    return build_dataset(np.delete(table, column, axis=1), table[:, column], num_classes)


def _read(path: Path, file: Iterable[str]) -> tuple[list[str], "array[float]", int]:
    lines = csv.reader(file, strict=True)
    header: list[str] = []
    values = array("d")
    width = 0
    for fields in lines:
        if not fields:
            continue
        if not width:
            width = len(fields)
            if not all(_is_number(field) for field in fields):
                header = [field.strip() for field in fields]
                continue
        if len(fields) != width:
            raise DataError(f"line {lines.line_num:,} of {path} has {len(fields)} fields, the first has {width}")
        try:
            values.extend(map(float, fields))
        except ValueError:
            place = next(index for index, field in enumerate(fields) if not _is_number(field))
            name = f" (`{header[place]}`)" if header else ""
            raise DataError(
                f"{fields[place]!r} in line {lines.line_num:,}, column {place}{name} of {path} is not a number"
            ) from None
        if len(values) > MAX_VALUES:
            raise DataError(f"{path} has more than {MAX_VALUES:,} values")
    if not values:
        raise DataError(f"{path} is empty: it has no line of numbers")
    return header, values, width


def _find_column(path: Path, label: str | None, header: list[str], width: int) -> int:
    if label is None:
        return width - 1
    if label in header:
        return header.index(label)
    if label.isascii() and label.isdigit() and int(label) < width:
        return int(label)
    known = ", ".join(f"`{name}`" for name in header) if header else f"numbers from 0 to {width - 1}"
    raise DataError(f"{path} has no column `{label}`; it has {known}")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
