"""Events to frames, reading N-MNIST, the generated gestures."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidl_sim.data import EVENT, DataConfig, Framing, Recordings, event_camera, gestures, nmnist
from bidl_sim.errors import ConfigError, DataError, ParameterError


def events(*rows: tuple[int, int, int, int]) -> np.ndarray:
    """Rows of (t, x, y, p)."""
    return np.array(list(rows), EVENT)


def raw(*rows: tuple[int, int, int, int]) -> bytes:
    """The 5 bytes of each (t, x, y, p), as the format says."""
    return b"".join(
        bytes([x, y, (p << 7) | (t >> 16), (t >> 8) & 255, t & 255]) for t, x, y, p in rows
    )


def test_equal_durations() -> None:
    frames = Framing(bins=2)(
        events((0, 0, 0, 0), (49, 1, 0, 0), (50, 1, 1, 1), (99, 1, 1, 1)), (2, 2)
    )
    assert frames.shape == (2, 2, 2, 2)
    assert frames.dtype == np.uint8
    assert frames[0, 0].tolist() == [[1, 1], [0, 0]]
    assert frames[1, 1].tolist() == [[0, 0], [0, 2]]
    assert frames.sum() == 4


def test_equal_counts_with_the_rest_in_the_last() -> None:
    rows = [(t, 0, 0, 0) for t in (0, 1, 2, 3, 4, 5, 100)]
    assert Framing(by="events", bins=3)(events(*rows), (1, 1)).sum((1, 2, 3)).tolist() == [2, 2, 3]


def test_windows_as_many_as_there_are() -> None:
    rows = events((10, 0, 0, 0), (19, 0, 0, 0), (20, 0, 0, 0), (45, 0, 0, 0))
    assert Framing("window", 0, 10)(rows, (1, 1)).sum((1, 2, 3)).tolist() == [2, 1, 0, 1]
    assert Framing("window", 2, 10)(rows, (1, 1)).sum((1, 2, 3)).tolist() == [2, 1]
    assert Framing("window", 6, 10)(rows, (1, 1)).sum((1, 2, 3)).tolist() == [2, 1, 0, 1, 0, 0]


def test_counts_saturate_and_never_wrap() -> None:
    many = events(*[(t, 0, 0, 1) for t in range(300)])
    assert Framing(bins=1)(many, (1, 1)).max() == 255
    assert Framing(bins=1, binary=True)(many, (1, 1)).tolist() == [[[[0]], [[1]]]]


def test_no_events_are_empty_frames() -> None:
    assert not Framing(bins=3)(events(), (2, 2)).any()


def test_events_out_of_order_are_put_in_order() -> None:
    rows = [(5, 0, 0, 0), (0, 0, 0, 0), (9, 0, 0, 1)]
    ordered = Framing(bins=2)(events(*sorted(rows)), (1, 1))
    np.testing.assert_array_equal(Framing(bins=2)(events(*rows), (1, 1)), ordered)


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ((0, 2, 0, 0), r"event 1: x = 2, must be in 0\.\.1"),
        ((0, 0, -1, 0), r"event 1: y = -1"),
        ((0, 0, 0, 2), r"event 1: p = 2, must be in 0\.\.1"),
    ],
)
def test_events_outside_the_sensor_are_named(row, text) -> None:
    with pytest.raises(DataError, match=text):
        Framing()(events((0, 0, 0, 0), row), (2, 2))


def test_missing_fields_are_named() -> None:
    with pytest.raises(DataError, match="p missing"):
        Framing()(np.zeros(3, [("t", int), ("x", int), ("y", int)]), (2, 2))


@pytest.mark.parametrize(
    "wrong",
    [{"by": "day"}, {"bins": 0}, {"bins": -1}, {"window": 5}, {"by": "window"}],
)
def test_wrong_framings_are_refused(wrong) -> None:
    with pytest.raises(ParameterError, match="framing"):
        Framing(**wrong)


@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), st.integers(0, 3), st.integers(0, 2), st.integers(0, 1)),
        min_size=1,
        max_size=60,
    ),
    st.sampled_from(["duration", "events"]),
    st.integers(1, 9),
)
def test_every_event_falls_into_one_frame(rows, by, bins) -> None:
    frames = Framing(by=by, bins=bins)(events(*rows), (3, 4))
    assert frames.shape == (bins, 2, 3, 4)
    assert frames.sum() == len(rows)


def test_bytes_are_read_as_the_format_says() -> None:
    rows = ((0, 3, 4, 1), (70000, 33, 0, 0), (336000, 0, 33, 1))
    found = nmnist.read_events(raw(*rows), "x")
    assert [tuple(int(e[f]) for f in ("t", "x", "y", "p")) for e in found] == list(rows)
    with pytest.raises(DataError, match="5 bytes an event, has 7 bytes"):
        nmnist.read_events(b"1234567", "x")


def archive(folder, listed: str = "#sample #class\n7\t3\n8\t9\n") -> None:
    (folder / "test.txt").write_text(listed)
    (folder / "7.bs2").write_bytes(raw((0, 1, 2, 1), (10, 5, 6, 0)))
    (folder / "8.bin").write_bytes(raw((0, 1, 1, 1)))


def test_a_folder_a_zip_and_a_zip_in_a_folder_read_alike(tmp_path) -> None:
    plain, inner, nested = (tmp_path / n for n in ("plain", "inner", "nested"))
    for folder in (plain, inner, nested):
        folder.mkdir()
    archive(plain)
    deep_zip = zipfile.ZipFile(nested / "deep.zip", "w")
    with zipfile.ZipFile(tmp_path / "flat.zip", "w") as flat, deep_zip as deep:
        for file in plain.iterdir():
            flat.write(file, file.name)
            deep.write(file, f"some/folder/{file.name}")
    reference = nmnist.load(plain, "test", Framing(bins=2))
    assert reference.labels.tolist() == [3, 9]
    assert reference.frames.shape == (2, 2, 2, 34, 34)
    assert reference.frames[0, 0, 1, 2, 1] == 1
    for other in (tmp_path / "flat.zip", nested):
        found = nmnist.load(other, "test", Framing(bins=2))
        np.testing.assert_array_equal(found.frames, reference.frames)
        np.testing.assert_array_equal(found.labels, reference.labels)


def test_a_list_may_lie_apart_from_its_recordings(tmp_path) -> None:
    archive(tmp_path)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as packed:
        for name in ("7.bs2", "8.bin"):
            packed.write(tmp_path / name, f"deep/{name}")
            (tmp_path / name).unlink()
    assert nmnist.load(tmp_path, "test", Framing()).labels.tolist() == [3, 9]
    for copy in ("a", "b"):
        (tmp_path / copy).mkdir()
        (tmp_path / copy / "7.bs2").write_bytes(raw((0, 1, 2, 1)))
    with pytest.raises(DataError, match=r"line 2: there is no recording 7"):
        nmnist.load(tmp_path, "test", Framing())


def test_the_layout_of_the_original_archive(tmp_path) -> None:
    for label in (0, 4):
        (tmp_path / "Train" / str(label)).mkdir(parents=True)
        (tmp_path / "Train" / str(label) / "00001.bin").write_bytes(raw((0, 1, 2, 1)))
    assert nmnist.load(tmp_path, "train", Framing()).labels.tolist() == [0, 4]


@pytest.mark.parametrize(
    ("listed", "text"),
    [
        ("7 3\n9 1\n", r"test\.txt, line 2: there is no recording 9"),
        ("7\n", r"line 1: must be an id and a label 0 to 9, got '7'"),
        ("7 12\n", r"line 1: must be an id and a label"),
        ("#sample #class\n", r"test\.txt: names no recordings"),
    ],
)
def test_a_wrong_list_is_named_by_line(tmp_path, listed, text) -> None:
    archive(tmp_path, listed)
    with pytest.raises(DataError, match=text):
        nmnist.load(tmp_path, "test", Framing())


def test_wrong_places_are_named(tmp_path) -> None:
    with pytest.raises(DataError, match="not found"):
        nmnist.load(tmp_path / "nowhere", "test", Framing())
    (tmp_path / "text").write_text("no zip")
    with pytest.raises(DataError, match="must be a folder or a zip"):
        nmnist.load(tmp_path / "text", "test", Framing())
    with pytest.raises(DataError, match=r"holds neither test\.txt nor a folder Test"):
        nmnist.load(tmp_path, "test", Framing())


def test_a_zip_that_claims_too_much_is_not_unpacked(tmp_path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("test.txt", "1 1\n")
        bomb.writestr("1.bs2", bytes(nmnist.LARGEST + 5))
    with pytest.raises(DataError, match="unpacks to more than"):
        nmnist.load(tmp_path / "bomb.zip", "test", Framing())


def test_real_recordings(nmnist: object) -> None:
    found = DataConfig(name="nmnist").load("test", str(nmnist))
    assert found.frames.shape == (50, 10, 2, 34, 34)
    assert found.labels[:5].tolist() == [7, 2, 1, 0, 4]  # the first digits of MNIST's test set
    again = DataConfig(name="nmnist").load("test", f"{nmnist}/nmnist_dev.zip")
    np.testing.assert_array_equal(again.frames, found.frames)
    whole = Framing(bins=1, by="events")
    # 4108 events a recording on average, as the data set's own description says; 50 of 1100
    counts = (
        DataConfig(name="nmnist", framing=whole).load("train", str(nmnist)).frames.sum((1, 2, 3, 4))
    )
    assert abs(counts.mean() / 4108 - 1) < 0.05


def test_a_pixel_fires_at_each_threshold(rng) -> None:
    video = np.exp(np.array([0.0, 0.5, 0.5, -0.3]))[:, None, None]
    found = event_camera(video, 3000, rng, threshold=0.2)
    # +0.5 crosses 0.2 and 0.4; then -0.3 is 0.7 below the last crossing: three down
    assert found["p"].tolist() == [1, 1, 0, 0, 0]
    assert found["t"][:2].tolist() == [500, 1000]
    assert found["t"].max() <= 3000


def test_gestures_depend_on_seed_and_index_only() -> None:
    long, short = (gestures.load(n, 3, Framing(bins=4)) for n in (10, 5))
    np.testing.assert_array_equal(long.frames[:5], short.frames)
    assert not np.array_equal(gestures.load(5, 4, Framing(bins=4)).frames, short.frames)
    assert long.labels.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 0, 1]


def test_a_hand_that_moves_left_is_seen_moving_left(rng) -> None:
    def centre(found: np.ndarray, part: slice) -> tuple[float, float]:
        return found["x"][part].mean(), found["y"][part].mean()

    for name, axis, sign in (("left", 0, -1), ("right", 0, 1), ("up", 1, -1), ("down", 1, 1)):
        found = gestures.gesture(name, rng)
        quarter = len(found) // 4
        begin, end = centre(found, slice(quarter)), centre(found, slice(-quarter, None))
        assert sign * (end[axis] - begin[axis]) > 4, name


def test_splits_take_a_fraction_of_each_class() -> None:
    whole = gestures.load(40, 0, Framing(bins=2))
    rest, part = whole.split(0.2, seed=1)
    assert (len(rest), len(part)) == (32, 8)
    assert sorted(part.labels) == list(range(8))
    assert whole[3][0].dtype == np.float32


def test_wrong_data_configurations_are_refused() -> None:
    for wrong in ({"name": "cifar"}, {"validation": 1.0}, {"recordings": 1}):
        with pytest.raises(ConfigError, match="data"):
            DataConfig(**wrong)
    with pytest.raises(DataError, match=r"needs files\. help: pass --data"):
        DataConfig(name="nmnist").load("test")
    with pytest.raises(DataError, match="is generated and takes no files"):
        DataConfig().load("test", "somewhere")
    with pytest.raises(ConfigError, match="split"):
        DataConfig().load("holdout")


def test_labels_must_fit_their_classes() -> None:
    with pytest.raises(DataError, match=r"labels must be in 0\.\.1"):
        Recordings(np.zeros((1, 1, 1, 1, 1), np.uint8), np.array([2]), ("a", "b"))
