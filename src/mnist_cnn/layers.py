"""The layers of a network: what each convolution sees of the image, and what a browser needs to compute them."""

import numpy as np

from mnist_cnn.quiet import keras

layers = keras.layers
_COMPUTED = {  # these themselves: a subclass may compute something else
    layers.Conv2D,
    layers.Dense,
    layers.MaxPooling2D,
    layers.BatchNormalization,
    layers.LeakyReLU,
    layers.ReLU,
    layers.Flatten,
    layers.Dropout,
    layers.SpatialDropout2D,
}
_ACTIVATIONS = {getattr(keras.activations, name): name for name in ("linear", "relu", "softmax")}


def find_fields(model: keras.Model) -> list[tuple[int, int]]:
    """For each convolution, the side of its receptive field and how far the next one is away, in pixels of the image.

    The arithmetic of Dumoulin and Visin, "A guide to convolution arithmetic for deep learning",
    without padding.
    """
    fields, size, step = [], 1, 1
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            size += (layer.kernel_size[0] - 1) * step
            fields.append((size, step))
        elif isinstance(layer, keras.layers.MaxPooling2D):
            size += (layer.pool_size[0] - 1) * step
            step *= layer.strides[0]
    return fields


def pack_network(model: keras.Model) -> dict[str, object]:
    """Pack a network for `network.js`: settings of its layers, and their weights as float32, one after another.

    A layer with weights has two arrays: kernel and bias or, if it normalizes, a factor and what is
    added.

    Raises:
        ValueError: it is not Sequential, does not lead from an image to a number for each class, or
            has a layer that `network.js` does not compute.
    """
    if type(model) is not keras.Sequential:
        raise ValueError("a view needs a Sequential network, as build_model makes them")
    if not model.built or model.input_shape[1:] != (28, 28, 1) or len(model.output_shape) != 2:
        raise ValueError(
            "a view needs a network that begins with keras.Input((28, 28, 1)) and returns one "
            "number for each class"
        )
    packed, weights = [], []
    for layer in model.layers:
        settings, *arrays = _pack(layer)
        packed.append(settings)
        weights += [np.asarray(array, "float32").tobytes() for array in arrays]
    return {"layers": packed, "weights": b"".join(weights)}


def _pack(layer: keras.Layer) -> tuple:
    """The settings of a layer, and its arrays."""
    known = type(layer) in _COMPUTED and layer.quantization_mode is None
    known &= getattr(layer, "padding", "valid") == "valid"
    known &= getattr(layer, "data_format", "channels_last") == "channels_last"
    match layer if known else None:
        case layers.Conv2D() if _is_plain(layer):
            return _pack_kernel(layer, layer.kernel.shape, True)
        case layers.Dense():
            return _pack_kernel(layer, (1, 1, *layer.kernel.shape), False)
        case layers.MaxPooling2D() if len({*layer.pool_size, *layer.strides}) == 1:
            return ({"kind": "pool", "side": layer.pool_size[0]},)
        case layers.BatchNormalization() if layer.axis in (-1, len(layer.output.shape) - 1):
            mean, variance = np.asarray(layer.moving_mean), np.asarray(layer.moving_variance)
            factor = (np.asarray(layer.gamma) if layer.scale else 1) / np.sqrt(
                variance + layer.epsilon
            )
            shift = (np.asarray(layer.beta) if layer.center else 0) - mean * factor
            return {"kind": "scale", "shape": factor.shape}, factor, shift
        case layers.LeakyReLU():
            return ({"kind": "leak", "slope": float(layer.negative_slope)},)
        case layers.ReLU() if layer.max_value is None and layer.threshold == 0:
            return ({"kind": "leak", "slope": float(layer.negative_slope)},)
        case layers.Flatten():
            return ({"kind": "flatten"},)
        case layers.Dropout():  # SpatialDropout2D, too
            return ({"kind": "leak", "slope": 1},)  # it does something in training only
    raise ValueError(
        f"a view cannot compute the layer {layer.name}: {type(layer).__name__} with such settings"
    )


def _is_plain(convolution: keras.Layer) -> bool:
    """Whether a square kernel sees each window of all maps: no strides, dilation or groups."""
    height, width = convolution.kernel_size
    steps = {*convolution.strides, *convolution.dilation_rate, convolution.groups}
    return height == width and steps == {1}


def _pack_kernel(layer: keras.Layer, shape: tuple[int, ...], convolution: bool) -> tuple:
    """The settings, kernel and bias of a convolution or of a dense layer, which is one with a
    single window.
    """
    activation = _ACTIVATIONS.get(layer.activation)  # not by its name, which others may have, too
    if activation is None or (activation == "softmax" and len(layer.output.shape) > 2):
        called = getattr(layer.activation, "__name__", type(layer.activation).__name__)
        raise ValueError(
            f"a view cannot compute the activation {called} of the layer {layer.name}, but only "
            "Keras's own linear and relu, and softmax where a layer gives a single row of numbers"
        )
    settings = {
        "kind": "convolve",
        "shape": list(shape),
        "activation": activation,
        "biased": layer.use_bias,
    }
    if convolution:
        settings["name"] = layer.name
    return settings, layer.kernel, layer.bias if layer.use_bias else np.zeros(shape[-1])
