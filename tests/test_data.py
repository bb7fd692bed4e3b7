"""Data: from the right place, the right digits, and a clear error for everything else."""

import hashlib
import struct
import subprocess
import sys

import numpy as np
import pytest
from scipy.ndimage import affine_transform

from mnist_cnn.data import DataError, Mnist, load_mnist, one_hot, prepare_images, random_affine, split_validation

PUBLISHED_MD5 = {  # of the four original files, uncompressed
    "x_train": "6bbc9ace898e44ae57da46a324031adb",
    "y_train": "a25bea736e30d166cdddb491f175f624",
    "x_test": "2646ac647ad5339dbf082846283269ea",
    "y_test": "27ae3e4e09519cfbb04c329615203637",
}


def idx(array: np.ndarray) -> bytes:
    """Pack an array as the original files do: magic number, sizes, bytes."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.mark.parametrize("name", PUBLISHED_MD5)
def test_the_digits_are_those_of_the_original_files(full: Mnist, name: str) -> None:
    assert hashlib.md5(idx(getattr(full, name))).hexdigest() == PUBLISHED_MD5[name]


@pytest.fixture
def archive(full: Mnist, tmp_path):
    path = tmp_path / "mnist.npz"
    np.savez_compressed(path, x_train=full.x_train, y_train=full.y_train, x_test=full.x_test, y_test=full.y_test)
    return path


def test_a_named_file_comes_first_then_the_variable_then_the_cache(archive, offline, tmp_path, monkeypatch) -> None:
    cache = tmp_path / "keras" / "datasets" / "mnist.npz"
    cache.parent.mkdir(parents=True)
    cache.symlink_to(archive)
    assert load_mnist().origin == "the Keras cache"
    monkeypatch.setenv("MNIST_NPZ", str(archive))
    assert load_mnist().origin == "the file that MNIST_NPZ names"
    loaded = load_mnist(archive)
    assert str(loaded) == "Full MNIST: 60,000 training and 10,000 test images, from the file mnist.npz"


def run_python(code: str, environment: dict[str, str]) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


def test_without_network_the_sample_stands_in_with_one_warning(offline, tmp_path) -> None:
    done = run_python("from mnist_cnn.data import load_mnist; print(load_mnist())", offline)
    assert "MNIST sample: 4,000 training and 1,000 test images" in done.stdout
    assert done.stderr.count("Warning") == 1 and "set MNIST_NPZ" in done.stderr
    assert "The download failed: " in done.stderr
    assert not (tmp_path / "keras" / "datasets" / "mnist.npz").exists()


def test_full_refuses_the_sample(offline) -> None:
    done = run_python("from mnist_cnn.data import load_mnist; load_mnist(source='full')", offline)
    assert done.returncode != 0
    assert "ConnectionError: MNIST is not on this machine and could not be downloaded" in done.stderr


def test_a_broken_download_leaves_nothing_in_the_cache(offline, tmp_path, monkeypatch) -> None:
    import keras

    cache = tmp_path / "keras" / "datasets" / "mnist.npz"

    def interrupted() -> None:
        cache.parent.mkdir(parents=True)
        cache.write_bytes(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(keras.datasets.mnist, "load_data", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load_mnist()
    assert not cache.exists()


def test_the_package_itself_imports_nothing_heavy(offline) -> None:
    heavy = "{'tensorflow', 'keras', 'matplotlib', 'mlxtend', 'pandas', 'ipywidgets'}"
    done = run_python(f"import sys, mnist_cnn.data; print({heavy} & set(sys.modules))", offline)
    assert done.stdout.strip() == "set()"


def test_the_sample_is_stratified_real_and_without_overlap(full: Mnist, sample: Mnist) -> None:
    assert np.bincount(sample.y_train).tolist() == [400] * 10
    assert np.bincount(sample.y_test).tolist() == [100] * 10
    of_full = {(image.tobytes(), label) for image, label in zip(full.x_train, full.y_train.tolist())}
    of_train = {(image.tobytes(), label) for image, label in zip(sample.x_train, sample.y_train.tolist())}
    of_test = {(image.tobytes(), label) for image, label in zip(sample.x_test, sample.y_test.tolist())}
    assert of_train | of_test <= of_full
    assert len(of_train | of_test) == 5000  # all different, so no test image is trained on
    (_, _), (_, y_val) = split_validation(sample.x_train, sample.y_train)
    assert len(y_val) == 400 and np.bincount(y_val).min() >= 20  # not sorted by class any more


def test_the_remedy_fits_the_place(offline, tmp_path, monkeypatch) -> None:
    cache = tmp_path / "keras" / "datasets" / "mnist.npz"
    cache.parent.mkdir(parents=True)
    cache.write_bytes(b"half a download")
    with pytest.raises(DataError, match="Delete it and run again: Keras downloads MNIST anew"):
        load_mnist()
    monkeypatch.setenv("MNIST_NPZ", str(cache))
    with pytest.raises(DataError, match="Set MNIST_NPZ to another file, or unset it"):
        load_mnist()


def test_a_download_is_verified_too(full: Mnist, offline, monkeypatch) -> None:
    import keras

    arrays = (full.x_train, full.y_train), (full.x_test, full.y_test)
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: arrays)
    assert load_mnist().origin == "Keras's download"
    altered = (full.x_train, full.y_train), (full.x_test, full.y_test[::-1])
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: altered)
    with pytest.raises(DataError, match="y_test was altered"):
        load_mnist()


def test_preparation_agrees_with_plain_python(sample: Mnist) -> None:
    prepared, encoded = prepare_images(sample.x_train[:3]), one_hot(sample.y_train[:3])
    assert prepared.shape == (3, 28, 28, 1) and prepared.dtype == encoded.dtype == np.float32
    for i in range(3):
        assert encoded[i].tolist() == [float(digit == sample.y_train[i]) for digit in range(10)]
        for row, column in np.ndindex(28, 28):
            assert prepared[i, row, column, 0] == pytest.approx(int(sample.x_train[i, row, column]) / 255)


def test_random_affine_is_what_scipy_computes_one_image_at_a_time(sample: Mnist) -> None:
    images = prepare_images(sample.x_test[:20])
    moved = random_affine(images, np.random.default_rng(5))
    rng = np.random.default_rng(5)
    angle, (scale_x, scale_y) = np.radians(rng.uniform(-10, 10, 20)), rng.uniform(0.9, 1.1, (2, 20))
    shear, (shift_x, shift_y) = rng.uniform(-0.1, 0.1, 20), rng.uniform(-2, 2, (2, 20))
    for i in range(20):
        cos, sin = np.cos(angle[i]), np.sin(angle[i])
        turn = np.array([[cos, sin], [-sin, cos]])  # scipy counts (row, column), not (x, y)
        matrix = np.diag([scale_y[i], scale_x[i]]) @ turn + [[0, 0], [shear[i], 0]]
        centre = np.array([13.5, 13.5])
        offset = centre - matrix @ centre + [shift_y[i], shift_x[i]]
        expected = affine_transform(images[i, ..., 0], matrix, offset, order=1, mode="grid-constant")
        np.testing.assert_allclose(moved[i, ..., 0], expected, atol=1e-4)


def test_random_affine_moves_every_image_differently_and_only_a_little(sample: Mnist) -> None:
    image = prepare_images(np.repeat(sample.x_test[:1], 200, axis=0))
    moved = random_affine(image, np.random.default_rng(0))
    assert moved.dtype == np.float32 and moved.shape == image.shape and 0 <= moved.min() < moved.max() <= 1
    assert len({each.tobytes() for each in moved}) == 200
    ink = moved.sum(axis=(1, 2, 3)) / image[0].sum()
    assert 0.7 < ink.min() < 0.95 < 1.05 < ink.max() < 1.4
    rows = (moved.sum(axis=(2, 3)) * np.arange(28)).sum(axis=1) / moved.sum(axis=(1, 2, 3))
    assert 2 < np.ptp(rows) < 5  # up and down by up to two pixels, and a little by the turn
    assert np.array_equal(moved, random_affine(image, np.random.default_rng(0)))
