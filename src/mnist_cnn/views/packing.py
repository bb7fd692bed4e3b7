"""Pack a network for `browser/network.js`, which computes it without a kernel."""

import numpy as np

from mnist_cnn.backend import keras

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

Packed = tuple[dict[str, object], list[np.ndarray]]  # the settings of a layer, and its arrays


def pack_network(model: keras.Model) -> dict[str, object]:
    """Pack a network: settings of its layers, and their weights as float32, one after another.

    A layer with weights has two arrays: kernel and bias or, if it normalizes, a factor and what is
    added.

    Returns:
        "layers", a dictionary for each; and "weights", bytes.

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
    packed = [_pack(layer) for layer in model.layers]
    weights = [np.asarray(array, "float32").tobytes() for _, arrays in packed for array in arrays]
    return {"layers": [settings for settings, _ in packed], "weights": b"".join(weights)}


def _pack(layer: keras.Layer) -> Packed:
    match layer if _is_computed(layer) else None:
        case layers.Conv2D() if _is_plain(layer):
            settings, arrays = _pack_weighted_sum(layer, layer.kernel.shape)
            return settings | {"name": layer.name}, arrays
        case layers.Dense():
            # A convolution whose single window is all that the layer gets
            return _pack_weighted_sum(layer, (1, 1, *layer.kernel.shape))
        case layers.MaxPooling2D() if len({*layer.pool_size, *layer.strides}) == 1:
            return {"kind": "max_pooling", "side": layer.pool_size[0]}, []
        case layers.BatchNormalization() if layer.axis in (-1, len(layer.output.shape) - 1):
            return _pack_batch_normalization(layer)
        case layers.LeakyReLU():
            return {"kind": "leaky_relu", "slope": float(layer.negative_slope)}, []
        case layers.ReLU() if layer.max_value is None and layer.threshold == 0:
            return {"kind": "leaky_relu", "slope": float(layer.negative_slope)}, []
        case layers.Flatten():
            return {"kind": "flatten"}, []
        case layers.Dropout():  # SpatialDropout2D, too: both do something in training only
            return {"kind": "identity"}, []
    raise ValueError(
        f"a view cannot compute the layer {layer.name}: {type(layer).__name__} with such settings"
    )


def _is_computed(layer: keras.Layer) -> bool:
    return (
        type(layer) in _COMPUTED
        and layer.quantization_mode is None
        and getattr(layer, "padding", "valid") == "valid"
        and getattr(layer, "data_format", "channels_last") == "channels_last"
    )


def _is_plain(convolution: keras.Layer) -> bool:
    """Whether a square kernel sees each window of all maps: no strides, dilation or groups."""
    height, width = convolution.kernel_size
    steps = {*convolution.strides, *convolution.dilation_rate, convolution.groups}
    return height == width and steps == {1}


def _pack_weighted_sum(layer: keras.Layer, shape: tuple[int, ...]) -> Packed:
    """Pack a convolution or a dense layer; the shape is that of its kernel as a convolution."""
    activation = _ACTIVATIONS.get(layer.activation)  # not by its name, which others may have, too
    if activation is None or (activation == "softmax" and len(layer.output.shape) > 2):
        called = getattr(layer.activation, "__name__", type(layer.activation).__name__)
        raise ValueError(
            f"a view cannot compute the activation {called} of the layer {layer.name}, but only "
            "Keras's own linear and relu, and softmax where a layer gives a single row of numbers"
        )
    settings = {
        "kind": "convolution",
        "shape": list(shape),
        "activation": activation,
        "biased": layer.use_bias,
    }
    bias = np.asarray(layer.bias) if layer.use_bias else np.zeros(shape[-1])
    return settings, [np.asarray(layer.kernel), bias]


def _pack_batch_normalization(layer: keras.Layer) -> Packed:
    """Pack a normalization, which a trained network applies as a factor and a summand."""
    mean, variance = np.asarray(layer.moving_mean), np.asarray(layer.moving_variance)
    gamma = np.asarray(layer.gamma) if layer.scale else 1
    beta = np.asarray(layer.beta) if layer.center else 0
    factor = gamma / np.sqrt(variance + layer.epsilon)
    return {"kind": "scale", "shape": factor.shape}, [factor, beta - mean * factor]
