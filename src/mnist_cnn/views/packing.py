"""Pack a network for `browser/network.js`, which computes it without a kernel."""

from collections.abc import Callable

import numpy as np

from mnist_cnn.backend import keras

layers = keras.layers

_ACTIVATIONS = {getattr(keras.activations, name): name for name in ("linear", "relu", "softmax")}

_PackedLayer = tuple[dict[str, object], list[np.ndarray]]  # settings of a layer, and its arrays


def pack_network(model: keras.Model) -> dict[str, object]:
    """Pack a network: settings of its layers, and their weights as float32, one after another.

    A layer with weights has two arrays: kernel and bias or, if it is a batch normalization, factor
    and shift.

    Args:
        model: A network, built.

    Returns:
        A dictionary: under "layers", the settings of each layer; under "weights", bytes.

    Raises:
        TypeError: The network is not Sequential.
        ValueError: The network does not lead from an image to a number for each
            class, or has a layer that `network.js` does not compute.
    """
    if type(model) is not keras.Sequential:
        raise TypeError("a view needs a Sequential network, as build_model makes them")
    if not model.built or model.input_shape[1:] != (28, 28, 1) or len(model.output_shape) != 2:
        raise ValueError(
            "a view needs a network that begins with keras.Input((28, 28, 1)) and returns one "
            "number for each class"
        )
    packed = [_pack_layer(layer) for layer in model.layers]
    weights = [np.asarray(array, "float32").tobytes() for _, arrays in packed for array in arrays]
    return {"layers": [settings for settings, _ in packed], "weights": b"".join(weights)}


def _pack_layer(layer: keras.Layer) -> _PackedLayer:
    """Pack a layer with the function for its type."""
    if type(layer) not in _PACK_FUNCTIONS:
        raise ValueError(
            f"a view cannot compute the layer {layer.name}, whose type is {type(layer).__name__}"
        )
    _require(layer.quantization_mode is None, layer, "quantization_mode")
    _require(getattr(layer, "padding", "valid") == "valid", layer, "padding")
    is_channels_last = getattr(layer, "data_format", "channels_last") == "channels_last"
    _require(is_channels_last, layer, "data_format")
    return _PACK_FUNCTIONS[type(layer)](layer)


def _require(is_supported: bool, layer: keras.Layer, setting: str) -> None:
    """Refuse a layer unless `network.js` computes it with the value of this setting."""
    if not is_supported:
        raise ValueError(
            f"a view cannot compute the layer {layer.name}: {type(layer).__name__} with "
            f"{setting}={getattr(layer, setting)!r}"
        )


def _pack_convolution(layer: keras.Layer) -> _PackedLayer:
    """Pack a convolution with a square kernel, without strides, dilation or groups."""
    height, width = layer.kernel_size
    _require(height == width, layer, "kernel_size")
    _require(layer.strides == (1, 1), layer, "strides")
    _require(layer.dilation_rate == (1, 1), layer, "dilation_rate")
    _require(layer.groups == 1, layer, "groups")
    return _pack_weighted_sum("convolution", layer, layer.kernel.shape)


def _pack_dense(layer: keras.Layer) -> _PackedLayer:
    """Pack a dense layer: a convolution with a kernel of 1 x 1 pixels."""
    return _pack_weighted_sum("dense", layer, (1, 1, *layer.kernel.shape))


def _pack_weighted_sum(kind: str, layer: keras.Layer, shape: tuple[int, ...]) -> _PackedLayer:
    """Pack a convolution or a dense layer; the shape is that of its kernel as a convolution."""
    activation = _ACTIVATIONS.get(layer.activation)  # not by its name, which others may have, too
    if activation is None or (activation == "softmax" and len(layer.output.shape) > 2):
        name = getattr(layer.activation, "__name__", type(layer.activation).__name__)
        raise ValueError(
            f"a view cannot compute the activation {name} of the layer {layer.name}, but only "
            "Keras's own linear and relu, and softmax where a layer gives a single row of numbers"
        )
    settings = {
        "kind": kind,
        "shape": list(shape),
        "activation": activation,
        "use_bias": layer.use_bias,
    }
    bias = np.asarray(layer.bias) if layer.use_bias else np.zeros(shape[-1])
    return settings, [np.asarray(layer.kernel), bias]


def _pack_max_pooling(layer: keras.Layer) -> _PackedLayer:
    """Pack max pooling over square windows side by side."""
    height, width = layer.pool_size
    _require(height == width, layer, "pool_size")
    _require(layer.strides == layer.pool_size, layer, "strides")
    return {"kind": "max_pooling", "side": height}, []


def _pack_batch_normalization(layer: keras.Layer) -> _PackedLayer:
    """Pack a batch normalization, which at inference is a factor and a shift."""
    _require(layer.axis in (-1, len(layer.output.shape) - 1), layer, "axis")
    mean, variance = np.asarray(layer.moving_mean), np.asarray(layer.moving_variance)
    gamma = np.asarray(layer.gamma) if layer.scale else 1
    beta = np.asarray(layer.beta) if layer.center else 0
    factor = gamma / np.sqrt(variance + layer.epsilon)
    return {"kind": "scale", "shape": factor.shape}, [factor, beta - mean * factor]


def _pack_leaky_relu(layer: keras.Layer) -> _PackedLayer:
    """Pack a LeakyReLU by its slope below 0."""
    return {"kind": "leaky_relu", "slope": float(layer.negative_slope)}, []


def _pack_relu(layer: keras.Layer) -> _PackedLayer:
    """Pack a ReLU layer, which may have a slope below 0, but neither a maximum nor a threshold."""
    _require(layer.max_value is None, layer, "max_value")
    _require(layer.threshold == 0, layer, "threshold")
    return _pack_leaky_relu(layer)


def _pack_flatten(layer: keras.Layer) -> _PackedLayer:
    """Pack a Flatten layer, which has no settings."""
    return {"kind": "flatten"}, []


def _pack_dropout(layer: keras.Layer) -> _PackedLayer:
    """Pack a dropout layer, which at inference returns its input."""
    return {"kind": "dropout"}, []


# The types that can be packed, without their subclasses, which may compute something else
_PACK_FUNCTIONS: dict[type[keras.Layer], Callable[[keras.Layer], _PackedLayer]] = {
    layers.Conv2D: _pack_convolution,
    layers.Dense: _pack_dense,
    layers.MaxPooling2D: _pack_max_pooling,
    layers.BatchNormalization: _pack_batch_normalization,
    layers.LeakyReLU: _pack_leaky_relu,
    layers.ReLU: _pack_relu,
    layers.Flatten: _pack_flatten,
    layers.Dropout: _pack_dropout,
    layers.SpatialDropout2D: _pack_dropout,
}
