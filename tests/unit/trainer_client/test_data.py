"""Loaders: what they read, and that every kind of bad input is refused with the place where it is wrong."""

import gzip
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn import datasets as sklearn_datasets

from steelyard.errors import DataError
from steelyard.spec import DataSpec
from trainer_client.data import (
    Dataset,
    DataSource,
    build_dataset,
    conform,
    inject_label_noise,
    load_dataset,
    select_shard,
    split,
)
from trainer_client.data import dataset as dataset_module
from trainer_client.data.idx import read_idx
from trainer_client.data.images import load_images

ROWS = 40
FEATURES = np.arange(ROWS * 6, dtype=np.float64).reshape(ROWS, 6)
LABELS = np.arange(ROWS) % 4


@pytest.fixture
def dataset() -> Dataset:
    return build_dataset(FEATURES, LABELS)


def expect(shape: tuple[int, ...], classes: int, maximum: float = 1e6) -> DataSpec:
    return DataSpec(feature_shape=shape, classes=classes, minimum=0.0, maximum=maximum)


def put(values: NDArray[Any], place: tuple[int, ...] | int, value: float) -> NDArray[Any]:
    changed = values.astype(np.float64)
    changed[place] = value
    return changed


class TestBuild:
    def test_arrays_come_out_as_float32_and_int64_and_read_only(self, dataset: Dataset) -> None:
        assert dataset.features.dtype == np.float32
        assert dataset.labels.dtype == np.int64
        assert (len(dataset), dataset.feature_shape, dataset.num_classes) == (ROWS, (6,), 4)
        with pytest.raises(ValueError, match="read-only"):
            dataset.features[0] = 0
        with pytest.raises(ValueError, match="read-only"):
            dataset.labels[0] = 0

    def test_the_caller_keeps_its_array_writable(self) -> None:
        features, labels = np.ones((2, 2), np.float32), np.zeros(2, np.int64)
        build_dataset(features, labels)
        features[0] = 2
        labels[0] = 1

    @pytest.mark.parametrize(
        ("features", "labels", "message"),
        [
            (FEATURES[:-1], LABELS, "39 rows of features and 40 labels"),
            (FEATURES[:0], LABELS[:0], "empty"),
            (FEATURES[:, :0], LABELS, "empty"),
            (FEATURES[:, 0], LABELS, r"shape \(40,\)"),
            (FEATURES, LABELS[:, None], r"shape \(40, 1\)"),
            (put(FEATURES, (7, 3), np.nan), LABELS, r"the first is nan in row 7 at \[3\]"),
            (put(FEATURES, (8, 0), -np.inf), LABELS, r"the first is -inf in row 8 at \[0\]"),
            (put(FEATURES, (9, 1), 1e300), LABELS, r"the first is 1e\+300 in row 9 at \[1\]"),
            (FEATURES.astype(str), LABELS, "type <U"),
            (FEATURES, LABELS.astype(str), "type <U"),
            (FEATURES, put(LABELS, 5, -1), "the first is -1.0 in row 5"),
            (FEATURES, put(LABELS, 6, 1.5), "the first is 1.5 in row 6"),
            (FEATURES, put(LABELS, 6, np.nan), "the first is nan in row 6"),
            (FEATURES, put(LABELS, 6, np.inf), "the first is inf in row 6"),
            (FEATURES, put(LABELS, 3, 2.0**40), "the first is .* in row 3"),
            (FEATURES.astype(object), LABELS, "type object"),
        ],
    )
    def test_bad_arrays_are_refused_with_row_and_value(
        self, features: NDArray[Any], labels: NDArray[Any], message: str
    ) -> None:
        with pytest.raises(DataError, match=message):
            build_dataset(features, labels)

    def test_labels_beyond_the_declared_classes_are_refused(self) -> None:
        with pytest.raises(DataError, match="10 labels are not whole numbers from 0 to 2; the first is 3 in row 3"):
            build_dataset(FEATURES, LABELS, 3)

    def test_too_many_values_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(dataset_module, "MAX_VALUES", 100)
        with pytest.raises(DataError, match="240 feature values are more than 100"):
            build_dataset(FEATURES, LABELS)

    def test_missing_classes_are_named(self) -> None:
        assert build_dataset(FEATURES, LABELS, 7).missing_classes == (4, 5, 6)
        assert build_dataset(FEATURES, LABELS).missing_classes == ()


class TestConform:
    @pytest.mark.parametrize(
        ("shape", "wanted"), [((6, 1), (6,)), ((6,), (1, 6)), ((2, 3), (6,)), ((2, 3), (1, 2, 3)), ((1, 2, 3), (2, 3))]
    )
    def test_harmless_reshapes_keep_every_value(self, shape: tuple[int, ...], wanted: tuple[int, ...]) -> None:
        source = build_dataset(FEATURES.reshape(ROWS, *shape), LABELS)
        conformed = conform(source, expect(wanted, 5))
        assert conformed.feature_shape == wanted
        assert conformed.num_classes == 5
        assert np.array_equal(conformed.features.ravel(), source.features.ravel())

    @pytest.mark.parametrize(("shape", "wanted"), [((6,), (5,)), ((6,), (2, 3)), ((2, 3), (3, 2))])
    def test_another_shape_than_the_project_declares_is_refused(
        self, shape: tuple[int, ...], wanted: tuple[int, ...]
    ) -> None:
        with pytest.raises(DataError, match="the project expects"):
            conform(build_dataset(FEATURES.reshape(ROWS, *shape), LABELS), expect(wanted, 4))

    def test_a_label_out_of_the_projects_range_is_refused(self, dataset: Dataset) -> None:
        with pytest.raises(DataError, match="from 0 to 2"):
            conform(dataset, expect((6,), 3))

    def test_a_feature_out_of_the_projects_range_is_refused(self, dataset: Dataset) -> None:
        with pytest.raises(DataError, match=r"11 feature .* from 0 to 228, .* first is 229 in row 38 at \[1\]"):
            conform(dataset, expect((6,), 4, maximum=228.0))
        assert len(conform(dataset, expect((6,), 4, maximum=239.0))) == ROWS


class TestParts:
    @pytest.mark.parametrize("count", [1, 3, 7, ROWS])
    def test_shards_are_disjoint_and_complete(self, dataset: Dataset, count: int) -> None:
        shards = [select_shard(dataset, index, count, seed=5) for index in range(count)]
        firsts = np.concatenate([shard.features[:, 0] for shard in shards])
        assert sorted(firsts) == sorted(dataset.features[:, 0])
        assert max(map(len, shards)) - min(map(len, shards)) <= 1

    def test_a_shard_is_the_same_each_time_and_another_with_another_seed(self, dataset: Dataset) -> None:
        one, again, other = (select_shard(dataset, 1, 4, seed).features for seed in (1, 1, 2))
        assert np.array_equal(one, again)
        assert not np.array_equal(one, other)

    @pytest.mark.parametrize(("index", "count"), [(4, 4), (-1, 4), (0, 0), (0, ROWS + 1)])
    def test_impossible_shards_are_refused(self, dataset: Dataset, index: int, count: int) -> None:
        with pytest.raises(DataError):
            select_shard(dataset, index, count, 0)

    def test_a_split_is_disjoint_complete_and_of_the_size_asked(self, dataset: Dataset) -> None:
        train, held_out = split(dataset, 0.25, seed=3)
        assert (len(train), len(held_out)) == (30, 10)
        assert sorted([*train.features[:, 0], *held_out.features[:, 0]]) == sorted(dataset.features[:, 0])

    @pytest.mark.parametrize("fraction", [0, 1, -0.5, 2, 0.001, 0.999, float("nan")])
    def test_a_split_with_an_empty_side_is_refused(self, dataset: Dataset, fraction: float) -> None:
        with pytest.raises(DataError, match="leaves nothing"):
            split(dataset, fraction, 0)

    @pytest.mark.parametrize("fraction", [0, 0.1, 0.25, 1])
    def test_noise_changes_exactly_the_fraction_asked_and_no_feature(self, dataset: Dataset, fraction: float) -> None:
        noisy = inject_label_noise(dataset, fraction, seed=1)
        assert int((noisy.labels != dataset.labels).sum()) == round(fraction * ROWS)
        assert np.array_equal(noisy.features, dataset.features)
        assert noisy.labels.min() >= 0
        assert noisy.labels.max() < 4

    @pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan")])
    def test_impossible_noise_is_refused(self, dataset: Dataset, fraction: float) -> None:
        with pytest.raises(DataError, match="fraction"):
            inject_label_noise(dataset, fraction, 0)

    def test_one_class_has_no_other_label(self) -> None:
        with pytest.raises(DataError, match="one class"):
            inject_label_noise(build_dataset(FEATURES, LABELS * 0), 0.5, 0)


class TestNpz:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        np.savez(tmp_path / "data.npz", features=FEATURES, labels=LABELS, X=FEATURES + 1, text=np.array(["a"]))
        return tmp_path / "data.npz"

    def test_arrays_are_read_by_name(self, path: Path) -> None:
        assert np.array_equal(load_dataset(f"npz:{path}").features, FEATURES.astype(np.float32))
        assert np.array_equal(load_dataset(f"npz:{path}?features=X&classes=9").features, FEATURES + 1)
        assert load_dataset(f"npz:{path}?classes=9").num_classes == 9

    def test_a_missing_array_is_named_with_those_there(self, path: Path) -> None:
        with pytest.raises(DataError, match=r"no array `y`; it has `features`, `labels`, `X`"):
            load_dataset(f"npz:{path}?labels=y")

    def test_pickled_objects_are_never_loaded(self, tmp_path: Path) -> None:
        class Bomb:
            def __reduce__(self) -> tuple[Any, ...]:
                return (Path.touch, (tmp_path / "exploded",))

        np.savez(tmp_path / "bomb.npz", features=np.array([Bomb()], dtype=object), labels=np.zeros(1))
        with pytest.raises(DataError, match=r"`features` .* cannot be read"):
            load_dataset(f"npz:{tmp_path / 'bomb.npz'}")
        assert not (tmp_path / "exploded").exists()

    @pytest.mark.parametrize("content", [b"", b"not a zip", pickle.dumps([1, 2]), b"PK\x05\x06" + b"\0" * 18])
    def test_another_kind_of_file_is_refused(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "data.npz").write_bytes(content)
        with pytest.raises(DataError):
            load_dataset(f"npz:{tmp_path / 'data.npz'}")

    def test_a_truncated_file_is_refused(self, path: Path) -> None:
        path.write_bytes(path.read_bytes()[:-200])
        with pytest.raises(DataError, match="cannot be read"):
            load_dataset(f"npz:{path}")

    def test_a_damaged_member_is_refused(self, path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[600] ^= 0xFF
        path.write_bytes(content)
        with pytest.raises(DataError, match="cannot be read"):
            load_dataset(f"npz:{path}")

    def test_a_member_that_lies_about_its_shape_is_refused(self, tmp_path: Path) -> None:
        header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 1000), }"
        member = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
        with zipfile.ZipFile(tmp_path / "lie.npz", "w") as archive:
            archive.writestr("features.npy", member)
            archive.writestr("labels.npy", member)
        with pytest.raises(DataError, match="cannot be read"):
            load_dataset(f"npz:{tmp_path / 'lie.npz'}")

    def test_a_file_that_unpacks_to_too_much_is_refused(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("trainer_client.data.npz.MAX_VALUES", 100)
        with pytest.raises(DataError, match="unpacks to"):
            load_dataset(f"npz:{path}")

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"nowhere\.npz"):
            load_dataset(f"npz:{tmp_path / 'nowhere.npz'}")


class TestCsv:
    def write(self, folder: Path, text: str) -> Path:
        path = folder / "data.csv"
        path.write_text(text, encoding="utf-8")
        return path

    def test_the_last_column_is_the_label(self, tmp_path: Path) -> None:
        dataset = load_dataset(f"csv:{self.write(tmp_path, '1,2.5,0' + chr(10) + '-3,4e1,1' + chr(10))}")
        assert dataset.features.tolist() == [[1, 2.5], [-3, 40]]
        assert dataset.labels.tolist() == [0, 1]

    @pytest.mark.parametrize("label", ["sick", "1"])
    def test_the_label_is_found_by_name_and_by_number(self, tmp_path: Path, label: str) -> None:
        path = self.write(tmp_path, '\ufeff"age, years",sick,pulse\r\n50,1,70\r\n\r\n60,0,80\r\n')
        dataset = load_dataset(f"csv:{path}?label={label}")
        assert dataset.features.tolist() == [[50, 70], [60, 80]]
        assert dataset.labels.tolist() == [1, 0]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "empty"),
            ("a,b,c\n", "empty"),
            ("a,b,y\n1,2,0\n3,4\n", "line 3 of .* has 2 fields, the first has 3"),
            ("a,b,y\n1,2,0\n3,4,1,5\n", "line 3 of .* has 4 fields"),
            ("a,b,y\n1,2,0\n3,,1\n", r"'' in line 3, column 1 \(`b`\)"),
            ("a,b,y\n1,2,0\n3,male,1\n", r"'male' in line 3, column 1 \(`b`\)"),
            ("1,2,0\n3,x,1\n", "'x' in line 2, column 1 of"),
            ("1,2,0\n3,nan,1\n", r"nan in row 1 at \[1\]"),
            ("1,2,0\n3,inf,1\n", r"inf in row 1 at \[1\]"),
            ("1,2,0\n3,4,-1\n", "-1.0 in row 1"),
            ("1,2,0\n3,4,0.5\n", "0.5 in row 1"),
            ("1\n2\n", "1 columns"),
            ('1,"2,0\n', "cannot be read as CSV"),
        ],
    )
    def test_bad_tables_are_refused_with_line_and_column(self, tmp_path: Path, text: str, message: str) -> None:
        with pytest.raises(DataError, match=message):
            load_dataset(f"csv:{self.write(tmp_path, text)}")

    @pytest.mark.parametrize("label", ["z", "3", "-1"])
    def test_a_column_that_is_not_there_is_refused(self, tmp_path: Path, label: str) -> None:
        with pytest.raises(DataError, match=f"no column `{label}`; it has `a`, `b`, `y`"):
            load_dataset(f"csv:{self.write(tmp_path, 'a,b,y' + chr(10) + '1,2,0')}?label={label}")

    def test_bytes_that_are_not_text_are_refused(self, tmp_path: Path) -> None:
        (tmp_path / "data.csv").write_bytes(b"\xff\xfe1,2\n")
        with pytest.raises(DataError, match="cannot be read as CSV"):
            load_dataset(f"csv:{tmp_path / 'data.csv'}")


def encode_idx(values: NDArray[Any], kind: int = 0x08) -> bytes:
    return struct.pack(f">HBB{values.ndim}I", 0, kind, values.ndim, *values.shape) + values.tobytes()


class TestIdx:
    PIXELS = np.arange(5 * 3 * 2, dtype=np.uint8).reshape(5, 3, 2) * 8
    LABELS = np.array([0, 1, 2, 1, 0], np.uint8)

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "train-images-idx3-ubyte").write_bytes(encode_idx(self.PIXELS))
        (tmp_path / "train-labels-idx1-ubyte").write_bytes(encode_idx(self.LABELS))
        for name, values in (("t10k-images-idx3-ubyte", self.PIXELS[:2]), ("t10k-labels-idx1-ubyte", self.LABELS[:2])):
            (tmp_path / f"{name}.gz").write_bytes(gzip.compress(encode_idx(values)))
        return tmp_path

    def test_plain_and_gzipped_files_are_read_and_scaled(self, folder: Path) -> None:
        train, test = load_dataset(f"idx:{folder}"), load_dataset(f"idx:{folder}?part=test&classes=10")
        assert train.feature_shape == (3, 2)
        assert np.array_equal(train.features, self.PIXELS.astype(np.float32) / 255)
        assert train.labels.tolist() == self.LABELS.tolist()
        assert (len(test), test.num_classes) == (2, 10)

    @pytest.mark.parametrize(
        ("kind", "dtype"),
        [(0x08, ">u1"), (0x09, ">i1"), (0x0B, ">i2"), (0x0C, ">i4"), (0x0D, ">f4"), (0x0E, ">f8")],
    )
    def test_every_type_of_the_format_is_read(self, tmp_path: Path, kind: int, dtype: str) -> None:
        values = np.array([[1, 2], [3, 4]], dtype)
        (tmp_path / "values").write_bytes(encode_idx(values, kind))
        assert read_idx(tmp_path / "values").tolist() == [[1, 2], [3, 4]]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "begin"),
            (b"\0\1\x08\1\0\0\0\1\0", "begin"),
            (b"\0\0\x07\1\0\0\0\1\0", "begin"),
            (b"\0\0\x08\0", "begin"),
            (b"\0\0\x08\3\0\0\0\1", "ends within its header"),
            (encode_idx(PIXELS)[:-1], "30 bytes, and has 29"),
            (encode_idx(PIXELS) + b"\0", "30 bytes, and has more"),
            (b"\0\0\x08\2\xff\xff\xff\xff\xff\xff\xff\xff", "declares .* more than"),
        ],
    )
    def test_a_damaged_file_is_refused(self, folder: Path, content: bytes, message: str) -> None:
        (folder / "train-images-idx3-ubyte").write_bytes(content)
        with pytest.raises(DataError, match=message):
            load_dataset(f"idx:{folder}")

    def test_a_gzip_bomb_is_read_no_further_than_its_header_declares(self, folder: Path) -> None:
        bomb = gzip.compress(encode_idx(self.PIXELS[:2]) + bytes(50_000_000))
        (folder / "t10k-images-idx3-ubyte.gz").write_bytes(bomb)
        with pytest.raises(DataError, match="has more"):
            load_dataset(f"idx:{folder}?part=test")

    @pytest.mark.parametrize(
        "content", [b"plain", gzip.compress(encode_idx(PIXELS), mtime=0)[:-12]], ids=["plain", "cut"]
    )
    def test_a_broken_gzip_is_refused(self, folder: Path, content: bytes) -> None:
        (folder / "t10k-images-idx3-ubyte.gz").write_bytes(content)
        with pytest.raises(DataError, match="cannot be read"):
            load_dataset(f"idx:{folder}?part=test")

    def test_a_missing_file_is_named(self, folder: Path) -> None:
        (folder / "train-labels-idx1-ubyte").unlink()
        with pytest.raises(DataError, match="0 files named train-labels"):
            load_dataset(f"idx:{folder}")

    def test_a_label_file_of_another_length_is_refused(self, folder: Path) -> None:
        (folder / "train-labels-idx1-ubyte").write_bytes(encode_idx(self.LABELS[:4]))
        with pytest.raises(DataError, match="5 rows of features and 4 labels"):
            load_dataset(f"idx:{folder}")

    def test_an_unknown_part_is_refused(self, folder: Path) -> None:
        with pytest.raises(DataError, match="`validation`"):
            load_dataset(f"idx:{folder}?part=validation")


class TestImages:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        for label, name in enumerate(("cat", "dog")):
            (tmp_path / name).mkdir()
            for shade in (10, 200):
                Image.new("RGB", (4, 3), (shade, shade, label)).save(tmp_path / name / f"{shade}.png")
        (tmp_path / ".cache").mkdir()
        (tmp_path / "cat" / ".DS_Store").write_bytes(b"rubbish")
        return tmp_path

    def test_folders_are_classes_in_the_order_of_their_names(self, folder: Path) -> None:
        dataset = load_dataset(f"images:{folder}?mode=RGB")
        assert dataset.features.shape == (4, 3, 3, 4)
        assert dataset.labels.tolist() == [0, 0, 1, 1]
        assert dataset.features[:, 2, 0, 0].tolist() == [0, 0, np.float32(1 / 255), np.float32(1 / 255)]

    def test_images_are_resized_on_request(self, folder: Path) -> None:
        assert load_dataset(f"images:{folder}?size=8x2").features.shape == (4, 1, 2, 8)

    def test_images_of_different_sizes_are_refused_unless_resized(self, folder: Path) -> None:
        Image.new("L", (5, 5)).save(folder / "dog" / "zzz.png")
        with pytest.raises(DataError, match=r"zzz\.png has 5x5 pixels, .*10\.png 4x3; `size="):
            load_dataset(f"images:{folder}")
        assert len(load_dataset(f"images:{folder}?size=4x3")) == 5

    def test_an_image_of_too_many_pixels_is_refused_before_it_is_decoded(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("trainer_client.data.images.MAX_PIXELS", 11)
        with pytest.raises(DataError, match=r"10\.png has 4x3 pixels, more than 11"):
            load_images(folder)

    def test_a_decompression_bomb_is_refused(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
        with pytest.raises(DataError, match="too many pixels"):
            load_images(folder)

    @pytest.mark.parametrize("content", [b"", b"GIF89a", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n"])
    def test_something_else_is_not_an_image(self, folder: Path, content: bytes) -> None:
        (folder / "cat" / "a.png").write_bytes(content)
        with pytest.raises(DataError, match=r"a\.png"):
            load_dataset(f"images:{folder}")

    def test_a_truncated_image_is_refused(self, folder: Path) -> None:
        path = folder / "cat" / "10.png"
        noise = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
        Image.fromarray(noise).save(path)
        path.write_bytes(path.read_bytes()[:-2000])
        with pytest.raises(DataError, match="damaged"):
            load_dataset(f"images:{folder}?size=4x3")

    @pytest.mark.parametrize("options", ["mode=CMYK", "size=0x5", "size=99999x99999", "size=4", "size=axb"])
    def test_impossible_options_are_refused(self, folder: Path, options: str) -> None:
        with pytest.raises(DataError):
            load_dataset(f"images:{folder}?{options}")

    def test_a_folder_without_images_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "cat").mkdir()
        with pytest.raises(DataError, match="1 folders of classes, no image"):
            load_dataset(f"images:{tmp_path}")
        with pytest.raises(DataError, match="cannot be read"):
            load_dataset(f"images:{tmp_path / 'nowhere'}")


class TestSource:
    def test_the_bundled_digits_need_no_path(self) -> None:
        digits = load_dataset("digits:")
        assert digits.features.shape == (1797, 64)
        assert (digits.features.min(), digits.features.max(), digits.num_classes) == (0, 1, 10)
        assert digits.missing_classes == ()

    def test_they_are_those_that_scikit_learn_loads(self) -> None:
        digits, reference = load_dataset("digits:"), sklearn_datasets.load_digits()
        assert np.array_equal(digits.features, (reference.data / 16).astype(np.float32))
        assert np.array_equal(digits.labels, reference.target)

    def test_shards_of_one_seed_share_the_holdout_and_nothing_else(self) -> None:
        held_out = load_dataset("digits:?holdout=0.2&use=holdout&seed=7")
        shards = [load_dataset(f"digits:?holdout=0.2&shard={index}/5&seed=7") for index in range(5)]
        assert len(held_out) == 359
        assert sum(map(len, shards)) + len(held_out) == 1797

    def test_noise_is_put_on_the_shard(self) -> None:
        clean, noisy = (load_dataset(f"digits:?shard=2/5{noise}") for noise in ("", "&noise=0.4"))
        assert np.array_equal(clean.features, noisy.features)
        assert int((clean.labels != noisy.labels).sum()) == round(0.4 * len(clean))

    def test_a_path_may_have_a_colon(self) -> None:
        assert DataSource.parse("csv:a:b.csv?label=y").path == Path("a:b.csv")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "kind of data"),
            ("data.csv", "kind of data"),
            ("pickle:x", "kind of data"),
            ("npz:", "path is missing"),
            ("csv:?label=y", "path is missing"),
            ("digits:path", "no path"),
            ("csv:a?colour=red", "no option of `csv:`"),
            ("npz:a?label=y", "no option of `npz:`"),
            ("csv:a?label=", "no option"),
            ("csv:a?label", "not a list"),
            ("csv:a?label=x&label=y", "twice"),
            ("digits:?use=holdout", "holdout=FRACTION"),
        ],
    )
    def test_a_malformed_source_is_refused(self, text: str, message: str) -> None:
        with pytest.raises(DataError, match=message) as caught:
            DataSource.parse(text)
        assert "digits:" in caught.value.hint

    @pytest.mark.parametrize(
        "options",
        [
            "seed=-1",
            "seed=x",
            "seed=1000000000000",
            "holdout=x",
            "holdout=2",
            "holdout=0.2&use=both",
            "shard=5",
            "shard=5/5",
            "shard=a/b",
            "noise=x",
            "noise=2",
            "classes=5",
            "classes=x",
        ],
    )
    def test_an_impossible_option_is_refused(self, options: str) -> None:
        with pytest.raises(DataError):
            load_dataset(f"digits:?{options}")
