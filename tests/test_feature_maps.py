"""FeatureMaps: what it shows of a network is what SciPy computes from the weights; tests/browser/ uses it."""

import keras
import numpy as np
import pytest
from bs4 import BeautifulSoup
from scipy.signal import correlate
from traitlets import TraitError

from mnist_cnn.data import Images, prepare_images
from mnist_cnn.drawing import center_in_box, find_ink
from mnist_cnn.feature_maps import FeatureMaps
from mnist_cnn.models import build_model, predict
from mnist_cnn.runs import SHIPPED, load_run

NETWORKS = ("relu", "leaky_relu", "improved")


@pytest.fixture(scope="module", params=NETWORKS)
def model(request: pytest.FixtureRequest) -> keras.Model:
    return load_run(SHIPPED / f"{request.param}.npz").load_model()


@pytest.fixture
def view(model: keras.Model, sample: Images) -> FeatureMaps:
    return FeatureMaps(model, sample.x_test, sample.y_test)


@pytest.fixture(scope="module")
def relu() -> keras.Model:
    return load_run(SHIPPED / "relu.npz").load_model()


@pytest.fixture
def relu_view(relu: keras.Model, sample: Images) -> FeatureMaps:
    return FeatureMaps(relu, sample.x_test, sample.y_test)


def draw(view: FeatureMaps, pixels: np.ndarray) -> None:
    sent = view.pad.sent + 1
    view.pad.set_state({"pixels": memoryview(pixels.tobytes()), "shape": list(pixels.shape), "sent": sent})
    assert view.pad.answered == sent


def seven() -> np.ndarray:
    """Black ink on a transparent pad."""
    pixels = np.zeros((280, 280, 4), "uint8")
    pixels[60:80, 60:200, 3] = pixels[60:230, 180:200, 3] = 255
    return pixels


def lines(view: FeatureMaps) -> list[tuple[str, list[np.ndarray], float]]:
    """The lines of the table: a name, window and kernel and products if there are, and the number at the end."""
    table = BeautifulSoup(view.board.body, "html.parser").select_one(".mnist-sum")
    found = []
    for row in table.find_all("tr", recursive=False)[1:]:
        grids = [[float(cell.text) for cell in grid.select("td")] for grid in row.select(".mnist-grid")]
        found.append((row.th.text, [np.array(grid) for grid in grids], float(row.find_all("td")[-1].text)))
    return found


def layers_by_scipy(model: keras.Model, image: np.ndarray) -> list[np.ndarray]:
    """The maps (height, width, n) of the three convolutions of the relu network, without Keras."""
    maps, found = image[..., np.newaxis] / 255, []
    weights = model.get_weights()
    for number in range(3):
        kernels, bias = weights[2 * number : 2 * number + 2]
        single = [correlate(maps, kernels[..., at], "valid")[..., 0] for at in range(len(bias))]
        maps = np.maximum(np.stack(single, axis=2) + bias, 0)
        found.append(maps)
        side = len(maps) // 2
        maps = maps[: 2 * side, : 2 * side].reshape(side, 2, side, 2, -1).max(axis=(1, 3))
    return found


def test_maps_and_numbers_are_those_that_scipy_computes(relu_view: FeatureMaps, relu, sample: Images) -> None:
    relu_view.slider.set_state({"value": 3})
    for number, maps in reversed(list(enumerate(layers_by_scipy(relu, sample.x_test[3])))):
        relu_view.layer.index = number
        assert relu_view.mosaic.shape == relu_view.map.shape == [maps.shape[2], *maps.shape[:2]]
        shown = np.frombuffer(relu_view.mosaic.pixels, "uint8").reshape(relu_view.mosaic.shape)
        np.testing.assert_allclose(np.moveaxis(shown, 0, 2), 255 * maps / maps.max(), atol=1.01)
        assert relu_view.map.pixels == relu_view.mosaic.pixels
        at, row, column = relu_view.mosaic.chosen
        assert maps[row, column, at] == pytest.approx(maps.max())  # the strongest, to begin with
        for chosen in ([0, 0, 0], [at, maps.shape[0] - 1, 1], [7, 2, 0]):
            relu_view.mosaic.set_state({"chosen": chosen})
            value = maps[chosen[1], chosen[2], chosen[0]]
            where = f"Convolution {number + 1}, map {chosen[0]}, row {chosen[1]}, column {chosen[2]}: "
            assert where in relu_view.board.caption
            assert float(relu_view.board.caption.split(": ")[-1][:-1]) == pytest.approx(value, abs=6e-4)
            assert lines(relu_view)[-1][0] == "after ReLU"
            assert lines(relu_view)[-1][2] == pytest.approx(value, abs=6e-4)


def test_every_sum_adds_up(view: FeatureMaps, model: keras.Model) -> None:
    for number in range(3):
        view.layer.index = number
        *parts, (name, grids, together) = [line for line in lines(view) if line[0] != "after ReLU"]
        assert (name, grids) == ("together", [])
        assert sum(total for _, _, total in parts) == pytest.approx(together, abs=0.001 * len(parts))
        assert together == pytest.approx(float(view.board.caption.split(": ")[-1][:-1]), abs=0.002)
        detailed = [line for line in parts if line[1]]
        assert len(detailed) == (1 if number == 0 else 3)
        for _, (window, kernel, products), total in detailed:
            np.testing.assert_allclose(window * kernel, products, atol=0.02 * max(1, window.max()))
            assert products.sum() == pytest.approx(total, abs=0.006 * products.size)
        sizes = [abs(total) for _, _, total in detailed]
        assert sizes == sorted(sizes, reverse=True)


@pytest.mark.slow
def test_the_frame_holds_the_pixels_that_the_number_depends_on(sample: Images) -> None:
    """One pixel changed after the other: those that change the number, of an untrained network and noise, fill it."""
    noise = np.random.default_rng(0).integers(0, 256, (4, 28, 28), "uint8")
    model = build_model("batch_norm")
    view = FeatureMaps(model, noise, np.zeros(4, "uint8"))
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    for number, layer in enumerate(convolutions):
        view.layer.index = number
        view.mosaic.set_state({"chosen": [5, 2, 1]})
        maps = keras.Model(model.inputs[0], layer.output)
        counts = np.zeros((28, 28), bool)
        for image in noise:
            changed = np.repeat(image[np.newaxis], 785, axis=0)
            changed[np.arange(784), np.arange(784) // 28, np.arange(784) % 28] ^= 255
            values = maps.predict(changed[..., np.newaxis] / np.float32(255), verbose=0)[:, 2, 1, 5]
            counts |= np.abs(values[:784] - values[784]).reshape(28, 28) > 1e-5
        rows, columns = (np.flatnonzero(counts.any(axis=axis)) for axis in (1, 0))
        frame = BeautifulSoup(view.board.body, "html.parser").select_one(".mnist-framed i")["style"]
        box = {key: float(share[:-1]) * 28 / 100 for key, share in (part.split(":") for part in frame.split(";"))}
        expected = {"top": rows[0], "left": columns[0], "width": np.ptp(columns) + 1, "height": np.ptp(rows) + 1}
        assert box == pytest.approx(expected, abs=0.01)


def test_one_sees_the_same_number_of_another_digit(relu_view: FeatureMaps, relu, sample: Images) -> None:
    relu_view.layer.index = 1
    relu_view.mosaic.set_state({"chosen": [9, 4, 7]})
    for index in (5, 6):
        relu_view.slider.set_state({"value": index})
        (probabilities,) = predict(relu, sample.x_test[[index]])
        value = layers_by_scipy(relu, sample.x_test[index])[1][4, 7, 9]
        assert relu_view.board.caption == (
            f"Image {index}, labelled {sample.y_test[index]}; the network says {probabilities.argmax()}, with "
            f"{probabilities.max():.1%}. Convolution 2, map 9, row 4, column 7: {value:.3f}."
        )


def test_a_drawing_is_seen_as_mnist_is_and_a_cleared_pad_gives_the_image_back(relu_view, relu) -> None:
    before = relu_view.mosaic.pixels
    draw(relu_view, seven())
    seen = center_in_box(find_ink(seven()))
    assert relu_view.board.caption.startswith("Your drawing; the network says 7, with")
    maps = layers_by_scipy(relu, seen)[0]
    shown = np.frombuffer(relu_view.mosaic.pixels, "uint8").reshape(relu_view.mosaic.shape)
    np.testing.assert_allclose(np.moveaxis(shown, 0, 2), 255 * maps / maps.max(), atol=1.01)
    draw(relu_view, np.zeros((280, 280, 4), "uint8"))
    assert relu_view.mosaic.pixels == before and relu_view.board.caption.startswith("Image 0, ")


def test_a_pad_without_ink_is_answered_in_words(relu_view: FeatureMaps) -> None:
    draw(relu_view, np.full((28, 28, 4), 255, "uint8"))
    assert relu_view.board.caption == "The network has nothing to read: nothing is drawn, or too faintly to be seen."
    relu_view.mosaic.set_state({"chosen": [1, 1, 1]})
    assert relu_view.board.caption.startswith("Image 0, ")
    relu_view.pad.set_state({"pixels": memoryview(b"\x01" * 5), "shape": [28, 28, 4], "sent": 2})
    assert relu_view.board.caption.startswith("The network has nothing to read: ") and relu_view.pad.answered == 2


@pytest.mark.parametrize("chosen", [[32, 0, 0], [0, 26, 0], [0, 0, -1], [0, 0], [0, 0, 0, 0], [0.5, 0, 0], "123"])
def test_what_lies_outside_the_maps_is_refused(relu_view: FeatureMaps, chosen) -> None:
    relu_view.mosaic.set_state({"chosen": [31, 25, 25]})
    with pytest.raises(TraitError, match="chosen"):
        relu_view.mosaic.set_state({"chosen": chosen})
    assert relu_view.mosaic.chosen == [31, 25, 25] and "map 31, row 25, column 25" in relu_view.board.caption


def test_maps_below_zero_are_paler_than_zero(sample: Images) -> None:
    """In the networks whose convolutions are linear."""
    model = load_run(SHIPPED / "leaky_relu.npz").load_model()
    view = FeatureMaps(model, sample.x_test, sample.y_test)
    first = keras.Model(model.inputs[0], model.layers[0].output)
    maps = np.moveaxis(first.predict_on_batch(prepare_images(sample.x_test[:1]))[0], 2, 0)
    assert maps.min() < -0.1
    shown = np.frombuffer(view.mosaic.pixels, "uint8").reshape(maps.shape)
    np.testing.assert_allclose(shown, 255 * (maps - maps.min()) / np.ptp(maps), atol=1.01)
    assert "after ReLU" not in view.board.body


def test_an_image_of_nothing_has_maps_too() -> None:
    with np.errstate(all="raise"):
        view = FeatureMaps(build_model("leaky_relu"), np.zeros((1, 28, 28), "uint8"), np.zeros(1, "uint8"))
    assert set(view.mosaic.pixels) == {0}
