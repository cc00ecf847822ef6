"""Where data come from, written as one string: `KIND:PATH?option=value&option=value`.

```text
npz:PATH      features=NAME labels=NAME            arrays of `numpy.savez`
csv:PATH      label=COLUMN                         a table of numbers
idx:FOLDER    part=train|test                      MNIST's format, plain or gzipped
images:FOLDER size=WxH mode=L|RGB                  one folder a class
digits:                                            bundled with scikit-learn
```

Every kind also takes, applied in this order: `classes=N`, `holdout=FRACTION` with `use=train|holdout`, `shard=I/K` and
`noise=FRACTION`, all of them random by `seed=N` (0). With equal seeds, all shards of all trainers share one hold-out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self
from urllib.parse import parse_qsl

from steelyard.errors import DataError
from trainer_client.data.dataset import Dataset, inject_label_noise, select_shard, split
from trainer_client.data.digits import load_digits
from trainer_client.data.idx import load_idx
from trainer_client.data.npz import load_npz
from trainer_client.data.table import load_csv

_OPTIONS: Final[Mapping[str, frozenset[str]]] = {
    "npz": frozenset({"features", "labels"}),
    "csv": frozenset({"label"}),
    "idx": frozenset({"part"}),
    "images": frozenset({"size", "mode"}),
    "digits": frozenset(),
}
_COMMON: Final = frozenset({"classes", "holdout", "use", "shard", "noise", "seed"})


@dataclass(frozen=True, slots=True)
class DataSource:
    """A parsed source. `load_dataset` reads it."""

    kind: str
    path: Path
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def parse(cls, text: str) -> Self:
        """The source that `text` names.

        Raises:
          DataError: the kind is unknown, the path is missing, or an option is unknown, empty or given twice.
        """
        kind, colon, rest = text.partition(":")
        if not colon or kind not in _OPTIONS:
            raise _error(f"`{text}` does not say what kind of data it is: {', '.join(f'{k}:' for k in _OPTIONS)}")
        path, _, query = rest.partition("?")
        if bool(path) == (kind == "digits"):
            raise _error(f"`{text}`: " + ("the bundled digits have no path" if path else "the path is missing"))
        try:
            pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), max_num_fields=32)
        except ValueError:
            raise _error(f"`{query}` is not a list of `option=value`, joined by `&`") from None
        options = dict(pairs)
        if len(options) != len(pairs):
            raise _error(f"an option of `{text}` is given twice")
        for name, value in options.items():
            if name not in _OPTIONS[kind] | _COMMON or not value:
                known = ", ".join(sorted(_OPTIONS[kind] | _COMMON))
                raise _error(f"`{name}={value}` is no option of `{kind}:`; it has {known}")
        if "use" in options and "holdout" not in options:
            raise _error("`use=` says which side of a hold-out is meant: give `holdout=FRACTION` too")
        return cls(kind, Path(path).expanduser(), MappingProxyType(options))


def load_dataset(source: DataSource | str) -> Dataset:
    """Reads the data of a source and applies its options.

    Raises:
      DataError: always with the file, row or option at fault.
    """
    if isinstance(source, str):
        source = DataSource.parse(source)
    options = source.options
    seed = _whole(options, "seed", 0)
    dataset = _read(source)
    if "holdout" in options:
        use = options.get("use", "train")
        if use not in ("train", "holdout"):
            raise _error(f"`use={use}` is neither `train` nor `holdout`")
        dataset = split(dataset, _fraction(options, "holdout"), seed)[use == "holdout"]
    shard = 0
    if "shard" in options:
        shard, count = _pair(options, "shard", "/")
        dataset = select_shard(dataset, shard, count, seed)
    if "noise" in options:
        dataset = inject_label_noise(dataset, _fraction(options, "noise"), seed * 2**16 + shard)
    return dataset


def _read(source: DataSource) -> Dataset:
    options, path = source.options, source.path
    num_classes = _whole(options, "classes", 0) or None
    match source.kind:
        case "npz":
            return load_npz(path, options.get("features", "features"), options.get("labels", "labels"), num_classes)
        case "csv":
            return load_csv(path, options.get("label"), num_classes)
        case "idx":
            return load_idx(path, options.get("part", "train"), num_classes)
        case "images":
            from trainer_client.data.images import load_images  # noqa: PLC0415 - Pillow is needed by this kind only

            size = _pair(options, "size", "x") if "size" in options else None
            return load_images(path, size, options.get("mode", "L"), num_classes)
        case _:
            return load_digits(num_classes or 10)


def _whole(options: Mapping[str, str], name: str, default: int) -> int:
    text = options.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise _error(f"`{name}={text}` is not a whole number from 0")
    return int(text)


def _fraction(options: Mapping[str, str], name: str) -> float:
    try:
        return float(options[name])
    except ValueError:
        raise _error(f"`{name}={options[name]}` is not a fraction between 0 and 1") from None


def _pair(options: Mapping[str, str], name: str, separator: str) -> tuple[int, int]:
    first, _, second = options[name].partition(separator)
    if not all(part.isascii() and part.isdigit() and len(part) <= 9 for part in (first, second)):
        raise _error(f"`{name}={options[name]}` is not of the form `{name}=A{separator}B`")
    return int(first), int(second)


def _error(message: str) -> DataError:
    error = DataError(message)
    error.hint = "For example `digits:?shard=0/5`, `csv:data.csv?label=diagnosis`, `idx:mnist?holdout=0.2`."
    return error
