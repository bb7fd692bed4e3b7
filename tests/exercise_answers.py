"""Answers to the exercises: right ones, the usual mistakes, and odd ones.

They are written as learners would write them: as code that comes before the check in the notebook's
cell. They may use what stands in the `TOOLS` of test_exercises.py.
"""

# What the answers to exercises of 01 and 03 share
_LEARN = (
    "(x_train, y_train), (x_val, y_val) = split_validation(digits.x_train, digits.y_train)\n"
    "pixels = prepare_images(x_train)\n"
    "def learn(model, images=pixels, labels=y_train, epochs=2):\n"
    "    model.compile('adam', 'sparse_categorical_crossentropy')\n"
    "    model.fit(images, labels, epochs=epochs, verbose=0)\n"
    "    return model\n"
    "keras.utils.set_random_seed(0)\n"
)

# As in notebook 04, and functions by which the answers get shorter
_FEW_IMAGES = """
(images, labels), (others, true) = split_validation(digits.x_train, digits.y_train)
x, y = prepare_images(images[:2000]), one_hot(labels[:2000])
validation = prepare_images(others[:1000]), one_hot(true[:1000])
keras.utils.set_random_seed(1)
dense = lambda: small(flatten(), layers.Dense(128, activation="relu"), output())
entropy = "categorical_crossentropy"
def fit(optimizer, epochs=5, *pair, batch=32, model=None, **options):
    model = model or dense()
    model.compile(optimizer, entropy, metrics=["accuracy"])
    return model.fit(*(pair or (x, y)), batch, epochs=epochs, verbose=0, **options)
def stop(**options):
    callback = keras.callbacks.EarlyStopping(**{"patience": 3, **options})
    return {"callbacks": [callback], "validation_data": validation, "validation_batch_size": 500}
def copies(change):
    return np.concatenate([np.stack([change(image) for image in x]) for _ in range(3)])
def shift(image, most=3):
    return np.roll(image, np.random.randint(-most, most + 1, 2), (0, 1))
"""

SMALL = "answer = small(conv(), max_pool(), conv(), max_pool(), flatten(), output())"

# By exercise: what the notebook has defined before, as far as an answer or the check needs it; or
# what several answers share
BEFORE = {
    "better network": _LEARN
    + "first = learn(small(flatten(), output()), pixels[:500], y_train[:500])",
    "small network": (
        "keras.utils.set_random_seed(0)\n"
        "x, y = prepare_images(digits.x_train[:3600]), one_hot(digits.y_train[:3600])\n"
        "def fit(images, labels, epochs):\n"
        "    answer.compile(keras.optimizers.Adam(0.005), 'categorical_crossentropy')\n"
        "    answer.fit(images, labels, epochs=epochs, verbose=0)"
    ),
    "revived network": _LEARN
    + (
        "deep_down = keras.initializers.Constant(-5)\n"
        "def dense(activation='linear', bias=deep_down):\n"
        "    return layers.Dense(128, activation=activation, bias_initializer=bias)\n"
        "def leaky(slope=0.1): return layers.LeakyReLU(negative_slope=slope)"
    ),
    "learning rate": _FEW_IMAGES,
    "stopped early": _FEW_IMAGES,
    "moved digits": _FEW_IMAGES,
    "seeds": (
        "(x_train, y_train), _ = split_validation(digits.x_train, digits.y_train)\n"
        "x_small, y_small = prepare_images(x_train[:1000]), y_train[:1000]\n"
        "def new_model():\n"
        "    model = small(flatten(), output())\n"
        "    model.compile(optimizer='adam', loss='sparse_categorical_crossentropy')\n"
        "    return model\n"
        # Enough for mistakes that have nothing to do with accuracy
        "def fit_a_little(model): model.fit(x_small[:64], y_small[:64], verbose=0)"
    ),
    # Quickest are networks that learn by heart the sheets, and images, that the check tries
    "digits anywhere": """
from mnist_cnn.exercises.notebook_06 import make_sheets
from mnist_cnn.runs import SHIPPED, load_run

model = load_run(SHIPPED / "leaky_relu.npz").load_model()
sheets, labels = make_sheets(digits)
few = prepare_images(split_validation(digits.x_train, digits.y_train)[1][0])

def learn(network, images, labels, epochs=6):
    keras.utils.set_random_seed(0)
    network.compile(keras.optimizers.Adam(0.002), "sparse_categorical_crossentropy")
    network.fit(images, labels, epochs=epochs, verbose=0)
    return network
""",
    "random kernels": (
        "from mnist_cnn.runs import SHIPPED, load_run\n"
        "model = load_run(SHIPPED / 'relu.npz').load_model()\n"
        "untrained = build_model(seed=0)"
    ),
    "shuffled pixels": (
        "def shuffle(images):\n"
        "    order = np.random.default_rng(0).permutation(784)\n"
        "    return images.reshape(-1, 784)[:, order].reshape(-1, 28, 28)\n"
        "shuffled = dataclasses.replace(digits, x_train=shuffle(digits.x_train))\n"
        "(x, y), _ = split_validation(shuffled.x_train, shuffled.y_train)\n"
        "x = prepare_images(x)\n"
        "keras.utils.set_random_seed(0)\n"
        "def fit(*stack, images=x, labels=y, epochs=5):\n"
        "    model = small(*stack)\n"
        "    model.compile('adam', 'sparse_categorical_crossentropy')\n"
        "    model.fit(images, labels, epochs=epochs, verbose=0)\n"
        "    return model"
    ),
    # Quickest, as above, are networks that learn by heart what the check tries
    "fine-tuning in colour": """
from mnist_cnn.exercises.notebook_09 import colour_weights, make_colour_digits
from mnist_cnn.models import relu_layers
from mnist_cnn.runs import SHIPPED, load_run

model = load_run(SHIPPED / "relu.npz").load_model()
few, labels = make_colour_digits(digits)

def network(head=True):
    keras.utils.set_random_seed(0)
    answer = small(*relu_layers(), output(), shape=(28, 28, 3))
    weights = colour_weights(model)
    answer.set_weights(weights if head else [*weights[:6], *answer.get_weights()[6:]])
    return answer

def learn(answer, images=few, labels=labels, epochs=4):
    answer.compile("adam", "sparse_categorical_crossentropy")
    answer.fit(images, labels, epochs=epochs, verbose=0)
    return answer

def freeze(answer):
    for layer in answer.layers[:-3]:
        layer.trainable = False
    return answer
""",
}

# By exercise; found in another way than the notebook's solution
RIGHT = {
    "mean digits": (
        "sums = np.tensordot(np.eye(10)[digits.y_train].T, digits.x_train, axes=1)\n"
        "answer = sums / np.bincount(digits.y_train)[:, None, None]"
    ),
    "labels": "def to_labels(rows): return [list(row).index(max(row)) for row in rows]",
    "better network": "answer = learn(small(flatten(), layers.Dense(64, 'relu'), output()))",
    "kernel gradient": (
        "def kernel_gradient(image, difference):\n"
        "    return ndimage.correlate(image, 2 * difference)[13:16, 13:16] / difference.size"
    ),
    "parameters": (
        "layer = layers.Conv2D(16, 3)\n"
        "layer.build((None, 28, 28, 8))\n"
        "answer = layer.count_params()"
    ),
    "small network": (
        "answer = small(layers.Conv2D(12, 5, 2, activation='relu'), max_pool(),\n"
        "               layers.Conv2D(24, 3, activation='relu'), flatten(), output())\n"
        "fit(x, y, epochs=6)"
    ),
    "hidden delta": "def hidden_delta(d, w2, s): return np.einsum('nk,jk->nj', d, w2) * (s >= 0)",
    "silent units": "def count_silent(o): return o.shape[1] - len(set(np.nonzero(o > 0)[1]))",
    "leaky slope": (
        "def slope_of(x, slope):\n"
        "    leaky = lambda x: np.maximum(x, slope * x)\n"
        "    return (leaky(x + 1e-6) - leaky(x - 1e-6)) / 2e-6"
    ),
    "smallest slope": "answer = 0.01",
    "revived network": (
        "answer = learn(small(flatten(), dense('leaky_relu'), output()), epochs=4)"
    ),
    "learning rate": "learned = fit(keras.optimizers.SGD(0.2))",
    "stopped early": (
        "in_time = fit(keras.optimizers.RMSprop(0.002), 30, **stop(restore_best_weights=True))"
    ),
    "diagnosis": (
        "diagnosis = {'D': 'rate too high', 'C': 'no activation', 'B': 'not scaled',\n"
        "             'A': 'shuffled labels'}"
    ),
    "moved digits": ("moved_reader = fit('adam', 5, copies(shift), np.tile(y, (3, 1))).model"),
    "margin": "answer = norm.ppf(0.975) ** 2 * 0.994 * (1 - 0.994) / 0.0001**2",
    "recall": "def recall(c): return [row[i] / sum(row) for i, row in enumerate(c)]",
    # Its own seed for the weights, and no shuffling
    "seeds": (
        "def train_small(seed):\n"
        "    start = keras.initializers.GlorotUniform(seed=seed)\n"
        "    model = small(\n"
        "        flatten(), layers.Dense(10, activation='softmax', kernel_initializer=start)\n"
        "    )\n"
        "    model.compile(keras.optimizers.Adam(0.01), 'categorical_crossentropy')\n"
        "    model.fit(x_small, one_hot(y_small), epochs=5, shuffle=False, verbose=0)\n"
        "    return model"
    ),
    "runs": (  # by the noncentral t distribution
        "def power(n): return nct.sf(t.ppf(0.975, 2 * n - 2), 2 * n - 2, np.sqrt(n / 2))\n"
        "answer = next(n for n in range(2, 100) if power(n) > 0.8)"
    ),
    "batch of one": "answer = digits.x_test[3].reshape(1, 28, 28, 1) / 255",
    "overconfidence": (
        "def overconfidence(p, labels):\n"
        "    return np.mean([max(row) - (row.argmax() == i) for row, i in zip(p, labels)])"
    ),
    "digits anywhere": (
        "both = np.concatenate([sheets, few]), np.concatenate([labels, labels])\n"
        "answer = learn(copy_of(model), *both)"
    ),
    # The first layer computes its maps once, and the others learn from those
    "random kernels": (
        "answer = copy_of(untrained)\n"
        "first, *others = answer.layers\n"
        "rest = small(*others, shape=(26, 26, 32))\n"
        "rest.compile('adam', 'sparse_categorical_crossentropy')\n"
        "images = prepare_images(digits.x_train[:3600])\n"
        "maps = small(first).predict(images, verbose=0)\n"
        "rest.fit(maps, digits.y_train[:3600], verbose=0)"
    ),
    "share of zeros": (
        "def share_of_zeros(maps):\n"
        "    return [np.sum(maps[..., i] == 0) / maps[..., i].size for i in range(maps.shape[2])]"
    ),
    "grey square": (
        "def put_square(picture, top, left, side):\n"
        "    row, column = np.indices(picture.shape)\n"
        "    is_covered = (row - top) // side == 0\n"
        "    is_covered &= (column - left) // side == 0\n"
        "    return np.where(is_covered, 128, picture)"
    ),
    # Undo the shuffling by a layer of weights 0 and 1, and use convolutions again
    "shuffled pixels": (
        "undo = layers.Dense(784, use_bias=False, trainable=False)\n"
        "reshape = layers.Reshape((28, 28, 1))\n"
        "stack = [conv(), max_pool(), conv(), flatten(), output()]\n"
        "model = small(flatten(), undo, reshape, *stack)\n"
        "undo.set_weights([np.eye(784)[np.random.default_rng(0).permutation(784)]])\n"
        "model.compile('adam', 'sparse_categorical_crossentropy')\n"
        "model.fit(x, y, epochs=6, verbose=0)\n"
        "answer = model"
    ),
    "ensemble": "def decide(every): return [sum(each).argmax() for each in every.swapaxes(0, 1)]",
    "temperature": "def change_temperature(p, t): return softmax(np.log(p) / t, axis=1)",
    "eight bits": (
        "def to_eight_bits(weights):\n"
        "    grid = np.linspace(-1, 1, 255) * np.abs(weights).max()\n"
        "    return grid[np.abs(weights[..., np.newaxis] - grid).argmin(axis=-1)]"
    ),
    "reading order": (
        "def reading_order(middles):\n"
        "    lines, last = [], -100\n"
        "    for row, column, k in sorted((*middle, k) for k, middle in enumerate(middles)):\n"
        "        lines += [[]] if row - last > 40 else []\n"
        "        lines[-1].append((column, k))\n"
        "        last = row\n"
        "    return [k for line in lines for _, k in sorted(line)]"
    ),
    "fine-tuning in colour": "answer = learn(network(), epochs=3)",
    "which file": (
        "answer = {'colleague': 'keras', 'stranger': 'weights'}\n"
        "answer |= {'web page': 'onnx', 'sensor': 'int8'}"
    ),
}

# By exercise and misconception
MISTAKES: dict[str, dict[str, str]] = {
    "mean digits": {
        "all classes together": "answer = np.mean(digits.x_train, 0)",
        "sums": "answer = [np.sum(digits.x_train[digits.y_train == d], 0) for d in range(10)]",
        "scaled": (
            "pixels = prepare_images(digits.x_train)[..., 0]\n"
            "answer = [np.mean(pixels[digits.y_train == d], 0) for d in range(10)]"
        ),
        "one number a class": (
            "answer = [np.mean(digits.x_train[digits.y_train == d]) for d in range(10)]"
        ),
        "rounded": (
            "means = [np.mean(digits.x_train[digits.y_train == d], 0) for d in range(10)]\n"
            "answer = np.floor(means)"
        ),
        "the test images": (
            "answer = [np.mean(digits.x_test[digits.y_test == d], 0) for d in range(10)]"
        ),
    },
    "labels": {
        "no axis": "def to_labels(rows): return np.argmax(rows)",
        "down the columns": "def to_labels(rows): return np.argmax(rows, 0)",
        "the number, not its place": "def to_labels(rows): return [max(row) for row in rows]",
        "nonzero": "def to_labels(rows): return np.where(rows == 1)",
        "all that are not 0": "def to_labels(rows): return np.argwhere(rows)[:, 1]",
        "only a 1": "def to_labels(rows): return np.where(rows == 1)[1]",
        "more than one half": "def to_labels(rows): return np.argmax(rows > 0.5, axis=1)",
        "a sum": "def to_labels(rows): return (rows * range(10)).sum(axis=1)",
    },
    "better network": {
        "the first network": "answer = first",
        "untrained": "answer = small(flatten(), output())",
        "not scaled": (
            "answer = small(conv(), max_pool(), conv(), max_pool(), flatten(), output())\n"
            "learn(answer, 255 * pixels)"
        ),
        "labels of other images": (
            "answer = learn(small(flatten(), output()), labels=np.roll(y_train, 1))"
        ),
        "one output": (
            "answer = small(flatten(), layers.Dense(1))\n"
            "answer.compile('adam', 'mse')\n"
            "answer.fit(pixels, y_train, verbose=0)"
        ),
        "no softmax": "answer = small(flatten(), output('linear'))",
        "the validation images": (
            "answer = learn(small(flatten(), output()), prepare_images(x_val), y_val, 30)"
        ),
        "luck": "answer = learn(small(flatten(), output()), pixels[500:1000], y_train[500:1000])",
        "no better": "answer = copy_of(first)\nlearn(answer, pixels[:1], y_train[:1], epochs=1)",
    },
    "kernel gradient": {
        name: (
            "def kernel_gradient(image, d):\n"
            "    def beneath(i, j): return image[i : i + 26, j : j + 26]\n"
            f"    return [[{slope} for j in range(3)] for i in range(3)]"
        )
        for name, slope in {
            "no 2": "np.mean(d * beneath(i, j))",
            "no mean": "np.sum(2 * d * beneath(i, j))",
            "neither": "np.sum(d * beneath(i, j))",
            "sign": "-2 * np.mean(d * beneath(i, j))",
            "transposed": "2 * np.mean(d * beneath(j, i))",
            "turned": "2 * np.mean(d * beneath(2 - i, 2 - j))",
            "not moved": "2 * np.mean(d * image[:26, :26])",
            "the middle": "2 * np.mean(d * image[1:-1, 1:-1])",
            "divided by 784": "2 * np.sum(d * beneath(i, j)) / image.size",
            "squares": "2 * np.mean(d ** 2 * beneath(i, j))",
            "product of means": "2 * np.mean(d) * np.mean(beneath(i, j))",
        }.items()
    },
    "parameters": {
        "no biases": "answer = 3 * 3 * 8 * 16",
        "flat kernels": "answer = 3 * 3 * 16 + 16",
        "biases twice": "answer = 3 * 3 * 8 * 16 + 16 + 16",
        "a bias for each weight": "answer = 3 * 3 * (8 + 1) * 16",
        "a bias for each map that comes in": "answer = 3 * 3 * 8 * 16 + 8",
        "a bias for each pair": "answer = (3 * 3 + 1) * 8 * 16",
        "a bias for the layer": "answer = 3 * 3 * 8 * 16 + 1",
        "one kernel": "answer = 3 * 3 * 8 + 1",
        "neither maps nor biases": "answer = 3 * 3 * 16",
    },
    "small network": {
        "no channel": (
            "reshape = layers.Reshape((28, 28, 1))\n"
            "answer = small(reshape, conv(), conv(), flatten(), output(), shape=(28, 28))"
        ),
        "a single output": (
            "answer = small(conv(), max_pool(), conv(), max_pool(), flatten(), layers.Dense(1))"
        ),
        "no softmax": (
            "answer = small(conv(), max_pool(), conv(), max_pool(), flatten(), output('linear'))"
        ),
        "one convolution": "answer = small(conv(), max_pool(), max_pool(), flatten(), output())",
        "linear": (
            "answer = small(max_pool(), conv('linear'), conv(), max_pool(), flatten(), output())"
        ),
        "no pool": "answer = small(conv(), conv(), flatten(), output())",
        "not trained": SMALL,
        "not divided by 255": f"{SMALL}\nfit(255 * x, y, epochs=3)",
        "labels of other images": f"{SMALL}\nfit(x[:1000], y[1000:2000], epochs=1)",
        "too short": f"{SMALL}\nfit(x[:1000], y[:1000], epochs=2)",
        "the validation images": (
            f"{SMALL}\n"
            "fit(prepare_images(digits.x_train[3600:]), one_hot(digits.y_train[3600:]), epochs=30)"
        ),
        "not a network": "answer = [conv(), conv()]",
        "no input": "answer = keras.Sequential([conv(), conv(), flatten(), output()])",
    },
    "hidden delta": {
        "no ReLU": "def hidden_delta(delta, w2, sums): return delta @ w2.T",
        "ReLU of the slopes": "def hidden_delta(d, w2, s): return (d @ w2.T).clip(0)",
        "times the output": "def hidden_delta(d, w2, s): return d @ w2.T * np.where(s > 0, s, 0)",
        "the wrong half": "def hidden_delta(d, w2, s): return d @ w2.T * (s <= 0)",
    },
    "silent units": {
        "silent for one image": "def count_silent(o): return sum(np.min(o, axis=0) <= 0)",
        "images": "def count_silent(o): return sum(np.max(o, axis=1) <= 0)",
        "all zeros": "def count_silent(o): return np.count_nonzero(o <= 0)",
        "only zeros": "def count_silent(o): return np.sum(~np.any(o, axis=0))",
        "the sum": "def count_silent(o): return sum(np.mean(o, axis=0) <= 0)",
        "those that respond": "def count_silent(o): return sum(np.max(o, axis=0) > 0)",
    },
    "leaky slope": {
        "the function": "def slope_of(x, slope): return np.maximum(x, slope * x)",
        "ReLU's": "def slope_of(x, slope): return (x > 0) * 1",
        "only 0.1": "def slope_of(x, slope): return 1 - 0.9 * (x < 0)",
        "falls on the left": (
            "def slope_of(x, slope): return np.sign(x) * np.where(x > 0, 1, slope)"
        ),
        "slope of a line depends on x": (
            "def slope_of(x, slope): return np.where(x > 0, 1, x * slope)"
        ),
    },
    "smallest slope": {
        "the first that works": "answer = 0.1",
        "the second": "answer = 0.02",
        "one too small": "answer = 0.005",
        "ReLU": "answer = 0.0",
    },
    "revived network": {
        "still ReLU": "answer = learn(small(flatten(), dense('relu'), output()))",
        "ReLU first": "answer = learn(small(flatten(), dense('relu'), leaky(), output()))",
        "no activation": "answer = learn(small(flatten(), dense(), output()))",
        "another bias": "answer = learn(small(flatten(), dense(bias='zeros'), leaky(), output()))",
        "a slope of 0": "answer = learn(small(flatten(), dense(), leaky(0), output()))",
        "a slope of 1": "answer = learn(small(flatten(), dense(), leaky(1), output()))",
        "another layer": (
            "answer = learn(small(flatten(), dense(), leaky(), layers.Dense(9), output()))"
        ),
        "not trained": "answer = small(flatten(), dense(), leaky(), output())",
        "labels of other images": (
            "answer = small(flatten(), dense(), leaky(), output())\n"
            "learn(answer, labels=np.roll(y_train, 1))"
        ),
    },
    "learning rate": {
        "too small": "learned = fit(keras.optimizers.SGD(0.001))",
        "too large": "learned = fit(keras.optimizers.SGD(2.5))",
        "beyond all numbers": "learned = fit(keras.optimizers.SGD(1e30))",
        "Adam": "learned = fit('adam')",
        "another network": (
            "wide = small(flatten(), layers.Dense(256, activation='relu'), output())\n"
            "learned = fit(keras.optimizers.SGD(0.3), model=wide)"
        ),
        "momentum": "learned = fit(keras.optimizers.SGD(0.05, momentum=0.9))",
        "more epochs": "learned = fit(keras.optimizers.SGD(0.03), 8)",
        "smaller batches": "learned = fit(keras.optimizers.SGD(0.1), 2, batch=10)",
        "compiled once more": (
            "history = fit(keras.optimizers.SGD(0.1))\n"
            "learned = fit(keras.optimizers.SGD(0.3), model=history.model)"
        ),
        "a network used before": (
            "history = fit(keras.optimizers.SGD(0.1))\n"
            "learned = history.model.fit(x, y, 32, epochs=5, verbose=0)"
        ),
    },
    "stopped early": {
        "no validation": (
            "in_time = fit('adam', 4, callbacks=[keras.callbacks.EarlyStopping('loss')])"
        ),
        "the training images": ("in_time = fit('adam', 4, **stop() | {'validation_data': (x, y)})"),
        "no callback": "in_time = fit('adam', 4, validation_data=validation)",
        "another network": (
            "other = small(flatten(), layers.Dense(9), output())\n"
            "in_time = fit('adam', 4, model=other, **stop())"
        ),
        "few images": "in_time = fit('adam', 4, x[:500], y[:500], **stop())",
        "another patience": (
            "in_time = fit(\n"
            "    keras.optimizers.Adam(0.006), 40, **stop(patience=6, restore_best_weights=True)\n"
            ")"
        ),
        "no patience": ("in_time = fit('adam', 40, **stop(patience=0, restore_best_weights=True))"),
        "the last weights": "in_time = fit(keras.optimizers.Adam(0.003), 30, **stop())",
        "the worst accuracy": (
            "worst = {'monitor': 'val_accuracy', 'mode': 'min', 'restore_best_weights': True}\n"
            "in_time = fit(keras.optimizers.Adam(0.006), 30, **stop(patience=6, **worst))"
        ),
    },
    "diagnosis": {
        "A and D": (
            "diagnosis = {'A': 'rate too high', 'B': 'not scaled', 'C': 'no activation',\n"
            "             'D': 'shuffled labels'}"
        ),
        "A and C": (
            "diagnosis = {'A': 'no activation', 'B': 'not scaled', 'C': 'shuffled labels',\n"
            "             'D': 'rate too high'}"
        ),
        "B and D": (
            "diagnosis = {'A': 'shuffled labels', 'B': 'rate too high', 'C': 'no activation',\n"
            "             'D': 'not scaled'}"
        ),
        "C and D": (
            "diagnosis = {'A': 'shuffled labels', 'B': 'not scaled', 'C': 'rate too high',\n"
            "             'D': 'no activation'}"
        ),
        "one is missing": (
            "diagnosis = {'A': 'shuffled labels', 'B': 'not scaled', 'C': 'no activation',\n"
            "             'D': ...}"
        ),
        "in other words": (
            "diagnosis = {'A': 'wrong labels', 'B': 'not scaled', 'C': 'no activation',\n"
            "             'D': 'rate too high'}"
        ),
    },
    "moved digits": {
        "not moved": "moved_reader = fit('adam').model",
        "mirrored as well": (
            "mirrored = copies(lambda image: shift(image)[:, :: np.random.choice([1, -1])])\n"
            "moved_reader = fit('adam', 6, mirrored, np.tile(y, (3, 1))).model"
        ),
        "upside down": (
            "turned = copies(lambda image: np.rot90(shift(image), np.random.choice([0, 2])))\n"
            "moved_reader = fit('adam', 6, turned, np.tile(y, (3, 1))).model"
        ),
        "labels in another order": (
            "moved_reader = fit('adam', 1, copies(shift), np.repeat(y, 3, axis=0)).model"
        ),
        "convolutions": (
            "model = small(layers.Conv2D(8, 5, strides=3), flatten(), output())\n"
            "moved_reader = fit('adam', model=model).model"
        ),
    },
    "margin": {
        "the whole width": "answer = 1.96**2 * 0.994 * 0.006 / 0.00005**2 / 16",
        "one standard deviation": "answer = 0.994 * 0.006 / 0.0001**2",
        "points for shares": "answer = 1.96**2 * 0.994 * 0.006 / 0.01**2",
        "a half": "answer = 1.96**2 * 0.5 * 0.5 / 0.01**2",
        "MNIST": "answer = 10_000",
        "in millions": "answer = 2.29",
        "a tenth of a point": "answer = 22_900",
        "half of half": "answer = (1.96 / 0.00005) ** 2 * 0.994 * 0.006",
    },
    "recall": {
        "precision": "def recall(c): return np.diag(c) / np.sum(c, 0)",
        "of all images": "def recall(c): return np.diag(c) / np.sum(c)",
        "accuracy": "def recall(c): return np.trace(c) / np.sum(c)",
        "errors": "def recall(c): return [1 - row[i] / sum(row) for i, row in enumerate(c)]",
        "percent": "def recall(c): return [100 * row[i] / sum(row) for i, row in enumerate(c)]",
        "rounded": "def recall(c): return [round(row[i] / sum(row), 2) for i, row in enumerate(c)]",
    },
    "seeds": {
        "after the network is built": (
            "def train_small(seed):\n"
            "    model = new_model()\n"
            "    keras.utils.set_random_seed(seed)\n"
            "    fit_a_little(model)\n"
            "    return model"
        ),
        "none": (
            "def train_small(seed):\n"
            "    model = new_model()\n"
            "    fit_a_little(model)\n"
            "    return model"
        ),
        "always 0": (
            "def train_small(seed):\n"
            "    keras.utils.set_random_seed(0)\n"
            "    model = new_model()\n"
            "    fit_a_little(model)\n"
            "    return model"
        ),
        "not trained": (
            "def train_small(seed):\n    keras.utils.set_random_seed(seed)\n    return new_model()"
        ),
        "one epoch": (
            "def train_small(seed):\n"
            "    keras.utils.set_random_seed(seed)\n"
            "    model = new_model()\n"
            "    model.fit(x_small[:300], y_small[:300], verbose=0)\n"
            "    return model"
        ),
        "one network for all": (
            "model = new_model()\n"
            "def train_small(seed):\n"
            "    keras.utils.set_random_seed(seed)\n"
            "    fit_a_little(model)\n"
            "    return model"
        ),
        "nothing returned": (
            "def train_small(seed):\n"
            "    keras.utils.set_random_seed(seed)\n"
            "    fit_a_little(new_model())"
        ),
        "the history": (
            "def train_small(seed):\n"
            "    keras.utils.set_random_seed(seed)\n"
            "    return new_model().fit(x_small[:64], y_small[:64], verbose=0)"
        ),
        "not called": "def train_small(seed): return new_model",
    },
    "runs": {
        "one run": "answer = (1.96 + 0.84) ** 2",
        "twice the spread": "answer = (2 * (1.96 + 0.84)) ** 2",
        "found every second time": "answer = (1.96 * 2**0.5) ** 2",
        "not squared": "answer = (1.96 + 0.84) ** 2 * 2**0.5",
        "no square": "answer = (1.96 + 0.84) * 2**0.5",
        "ours": "answer = 10",
        "not quite": "answer = 15",
        "both recipes": "answer = 34",
    },
    "batch of one": {
        "no batch": "answer = digits.x_test[3][..., np.newaxis] / 255",
        "no channel": "answer = digits.x_test[3][np.newaxis] / 255",
        "not scaled": "answer = digits.x_test[3].reshape(1, 28, 28, 1)",
        "counted from one": "answer = prepare_images(digits.x_test[2:3])",
    },
    "overconfidence": {
        "sign": (
            "def overconfidence(p, labels):\n"
            "    return np.mean(np.argmax(p, 1) == labels) - np.max(p, 1).mean()"
        ),
        "what it says": "def overconfidence(p, labels): return np.mean([max(row) for row in p])",
        "columns": (
            "def overconfidence(p, labels):\n"
            "    return np.max(p, 0).mean() - np.mean(np.argmax(p, 1) == labels)"
        ),
        "the label's": (
            "def overconfidence(p, labels):\n"
            "    said = np.mean([row[i] for row, i in zip(p, labels)])\n"
            "    return said - np.mean(np.argmax(p, 1) == labels)"
        ),
        "no sign": (
            "def overconfidence(p, labels):\n"
            "    return np.abs(np.mean(np.max(p, 1)) - np.mean(np.argmax(p, 1) == labels))"
        ),
        "sums": (
            "def overconfidence(p, labels):\n"
            "    return np.max(p, 1).sum() - (np.argmax(p, 1) == labels).sum()"
        ),
        "one confidence": (
            "def overconfidence(p, labels):\n"
            "    return np.max(p) - np.mean(np.argmax(p, 1) == labels)"
        ),
        "not averaged": "def overconfidence(p, y): return np.max(p, 1) - (np.argmax(p, 1) == y)",
    },
    "digits anywhere": {
        "the same network": "answer = model",
        "changed the network itself": "answer = copy_of(learn(model, sheets, labels, 5))",
        "pixels up to 255": (
            "answer = learn(copy_of(model), sheets, labels, 5)\n"
            "kernels, *others = answer.get_weights()\n"
            "answer.set_weights([kernels / 255, *others])"
        ),
        "labels of other sheets": "answer = learn(copy_of(model), sheets, (labels + 1) % 10, 5)",
        "nothing changed": "answer = copy_of(model)",
        "prepared sheets": "answer = learn(copy_of(model), few, split_validation(\n"
        "    digits.x_train, digits.y_train)[1][1], 1)",
        "few sheets": "answer = learn(copy_of(model), sheets[:120], labels[:120])",
        # Wrong labels make it forget much faster than sheets alone would
        "has forgotten ordinary images": (
            "both = np.concatenate([sheets, few]), np.concatenate([labels, (labels + 1) % 10])\n"
            "answer = learn(copy_of(model), *both, 10)"
        ),
    },
    "random kernels": {
        "the trained network": "answer = model",
        "not a copy": "answer = untrained",
        "other layers": "answer = build_model('dense')",
        "trained kernels": "answer = copy_of(model)",
        "not frozen": (
            "answer = copy_of(untrained)\n"
            "answer.compile('adam', 'sparse_categorical_crossentropy')\n"
            "answer.fit(prepare_images(digits.x_train[:64]), digits.y_train[:64], verbose=0)"
        ),
        "not trained": "answer = copy_of(untrained)",
        "later layers of the trained network": (
            "answer = copy_of(model)\n"
            "answer.layers[0].set_weights(untrained.layers[0].get_weights())\n"
            "answer.layers[0].trainable = False\n"
            "answer.compile('adam', 'sparse_categorical_crossentropy')\n"
            "answer.fit(prepare_images(digits.x_train[:640]), digits.y_train[:640], verbose=0)"
        ),
        "all frozen but the last": (
            "answer = copy_of(untrained)\n"
            "for layer in answer.layers[:-1]:\n"
            "    layer.trainable = False\n"
            "answer.compile('adam', 'sparse_categorical_crossentropy')\n"
            "answer.fit(prepare_images(digits.x_train[:64]), digits.y_train[:64], verbose=0)"
        ),
        "few images": (
            "answer = copy_of(untrained)\n"
            "answer.layers[0].trainable = False\n"
            "answer.compile('adam', 'sparse_categorical_crossentropy')\n"
            "answer.fit(prepare_images(digits.x_train[:64]), digits.y_train[:64], verbose=0)"
        ),
    },
    "share of zeros": {
        "one share": "def share_of_zeros(maps): return np.mean(maps == 0)",
        "counts": (
            "def share_of_zeros(maps):\n"
            "    return [np.sum(maps[..., i] == 0) for i in range(maps.shape[2])]"
        ),
        "all numbers": (
            "def share_of_zeros(maps):\n"
            "    return np.count_nonzero(maps == 0, (0, 1)) / np.prod(maps.shape)"
        ),
        "percent": "def share_of_zeros(maps): return np.mean(maps == 0, axis=(0, 1)) * 100",
        "of the others": "def share_of_zeros(maps): return 1 - np.mean(maps == 0, axis=(0, 1))",
        "places": "def share_of_zeros(maps): return np.mean(maps == 0, axis=-1)",
    },
    "grey square": {
        "ink": (
            "def put_square(picture, top, left, side):\n"
            "    covered = picture.copy()\n"
            "    covered[top : top + side, left : left + side] = 255\n"
            "    return covered"
        ),
        "centred": (
            "def put_square(picture, top, left, side):\n"
            "    covered, half = picture.copy(), side // 2\n"
            "    covered[top - half : top + half + 1, left - half : left + half + 1] = 128\n"
            "    return covered"
        ),
        "too far down": (
            "def put_square(picture, top, left, side):\n"
            "    covered, half = picture.copy(), side // 2\n"
            "    covered[top + half :, left + half :][:side, :side] = 128\n"
            "    return covered"
        ),
        "columns first": (
            "def put_square(picture, top, left, side):\n"
            "    covered = picture.copy()\n"
            "    covered[left : left + side, top : top + side] = 128\n"
            "    return covered"
        ),
        "one too many": (
            "def put_square(picture, top, left, side):\n"
            "    covered = picture.copy()\n"
            "    covered[top : top + side + 1, left : left + side + 1] = 128\n"
            "    return covered"
        ),
        "ends at side": (
            "def put_square(picture, top, left, side):\n"
            "    covered = picture.copy()\n"
            "    covered[top:side, left:side] = 128\n"
            "    return covered"
        ),
        "cut out": (
            "def put_square(picture, top, left, side):\n    return picture[:side, :side] * 0 + 128"
        ),
        "in place": (
            "def put_square(picture, top, left, side):\n"
            "    picture[top : top + side, left : left + side] = 128\n"
            "    return picture"
        ),
    },
    "shuffled pixels": {
        "not shuffled": (
            "ordinary, labels = split_validation(digits.x_train, digits.y_train)[0]\n"
            "answer = fit(flatten(), output(), images=prepare_images(ordinary))"
        ),
        "not trained": "answer = small(flatten(), output())",
        "convolutions": "answer = fit(conv(), max_pool(), flatten(), output(), epochs=2)",
        "no hidden layer": "answer = fit(flatten(), output(), epochs=3)",
        "too short": (
            "hidden = layers.Dense(64, activation='relu')\n"
            "answer = fit(flatten(), hidden, output(), epochs=1)"
        ),
        "no softmax": "answer = fit(flatten(), output('linear'), epochs=1)",
    },
    "ensemble": {
        "a vote": (
            "def decide(every):\n"
            "    return [np.bincount(votes).argmax() for votes in every.argmax(axis=2).T]"
        ),
        "the surest": "def decide(every): return np.argmax(np.max(every, 0), 1)",
        "the first": "def decide(every): return np.argmax(every[0], 1)",
        "probabilities": "def decide(every): return sum(every) / len(every)",
        "the probability": "def decide(every): return np.max(sum(every) / len(every), 1)",
        "the median": "def decide(every): return np.argmax(np.sort(every, 0)[len(every) // 2], 1)",
        "the geometric mean": "def decide(every): return np.prod(every, axis=0).argmax(axis=1)",
        "over the images": "def decide(every): return np.argmax(np.mean(every, 1), 1)",
    },
    "temperature": {
        "the wrong way": (
            "def change_temperature(p, t):\n"
            "    powers = p**t\n"
            "    return powers / powers.sum(axis=1)[:, None]"
        ),
        "not divided": "def change_temperature(p, t): return np.exp(np.log(p) / t)",
        "p / T": "def change_temperature(p, t): return (p / t) / (p / t).sum(axis=1)[:, None]",
        "no brackets": "def change_temperature(p, t): return p ** 1 / t",
        "one sum": (
            "def change_temperature(p, t):\n"
            "    powers = p ** (1 / t)\n"
            "    return powers / np.sum(powers)"
        ),
        "columns": (
            "def change_temperature(p, t):\n"
            "    powers = p ** (1 / t)\n"
            "    return powers / sum(powers)"
        ),
        "softmax": (
            "def change_temperature(p, t):\n"
            "    powers = np.exp(p / t)\n"
            "    return powers / powers.sum(axis=1)[:, None]"
        ),
    },
    "eight bits": {
        "not scaled back": (
            "def to_eight_bits(weights): return np.round(127 * weights / np.abs(weights).max())"
        ),
        "not rounded": "def to_eight_bits(weights): return weights.copy()",
        "decimals cut off": (
            "def to_eight_bits(weights):\n"
            "    scale = np.abs(weights).max() / 127\n"
            "    return (weights / scale).astype('int8') * scale"
        ),
        "the largest, with its sign": (
            "def to_eight_bits(weights):\n"
            "    scale = np.max(weights) / 127\n"
            "    return np.round(weights / scale) * scale"
        ),
        "up to 128": (
            "def to_eight_bits(weights):\n"
            "    scale = np.abs(weights).max() / 128\n"
            "    return np.round(weights / scale) * scale"
        ),
        "up to 255": (
            "def to_eight_bits(weights):\n"
            "    scale = np.abs(weights).max() / 255\n"
            "    return np.round(weights / scale) * scale"
        ),
    },
    "reading order": {
        "fixed bands": (
            "def reading_order(middles): return np.lexsort((middles[:, 1], middles[:, 0] // 100))"
        ),
        "a fixed grid": (
            "def reading_order(middles): return np.lexsort((middles[:, 1], middles[:, 0] // 40))"
        ),
        "top to bottom": "def reading_order(middles): return middles[:, 0].argsort()",
        "left to right": "def reading_order(middles): return middles[:, 1].argsort()",
        "the middles": (
            "def reading_order(middles):\n"
            "    order = np.argsort(middles[:, 0])\n"
            "    begins = np.diff(middles[order, 0], prepend=middles[order[0], 0]) > 40\n"
            "    return middles[order][np.lexsort((middles[order, 1], np.cumsum(begins)))]"
        ),
        "indices of the sorted": (
            "def reading_order(middles):\n"
            "    middles = middles[np.argsort(middles[:, 0])]\n"
            "    begins = np.diff(middles[:, 0], prepend=middles[0, 0]) > 40\n"
            "    return np.lexsort((middles[:, 1], np.cumsum(begins)))"
        ),
        "places": (
            "def reading_order(middles):\n"
            "    order = np.argsort(middles[:, 0])\n"
            "    begins = np.diff(middles[order, 0], prepend=middles[order[0], 0]) > 40\n"
            "    order = order[np.lexsort((middles[order, 1], np.cumsum(begins)))]\n"
            "    return np.argsort(order)"
        ),
        "from the first of the line": (
            "def reading_order(middles):\n"
            "    lines, first = {}, -100\n"
            "    for k in middles[:, 0].argsort():\n"
            "        first = middles[k, 0] if middles[k, 0] - first > 40 else first\n"
            "        lines.setdefault(first, []).append((middles[k, 1], k))\n"
            "    return [k for line in lines.values() for _, k in sorted(line)]"
        ),
    },
    "fine-tuning in colour": {
        "the grey network": "answer = model",
        "not trained": "answer = network()",
        "frozen": "answer = learn(freeze(network()))",
        "labels of other images": "answer = learn(network(), labels=np.random.permutation(labels))",
        "other layers": "answer = learn(small(flatten(), output(), shape=(28, 28, 3)), epochs=1)",
        "a new head": "answer = learn(network(head=False), epochs=8)",
        "hardly trained": "answer = learn(network(), few[:32], labels[:32], epochs=1)",
    },
    "which file": {
        "a stranger's .keras file": (
            "answer = {'colleague': 'keras', 'stranger': 'keras'}\n"
            "answer |= {'web page': 'onnx', 'sensor': 'int8'}"
        ),
        "too large": (
            "answer = {'colleague': 'keras', 'stranger': 'weights'}\n"
            "answer |= {'web page': 'onnx', 'sensor': 'onnx'}"
        ),
        "only predicts": (
            "answer = {'colleague': 'onnx', 'stranger': 'weights'}\n"
            "answer |= {'web page': 'onnx', 'sensor': 'int8'}"
        ),
    },
}

# By the kind of exercise
ODD = {
    "number": "answer = '12'",
    "array": "answer = [1, 2, 3]",
    "choice": "{name} = 5",
    "network": "{name} = 5",
    "training": "{name} = 5",
    "function": "def {name}(*inputs): return inputs[0][:1] * 7",
    "trainer": "def {name}(seed): return 7",
}

# By exercise and answer: what is said of it
ODD_NETWORKS: dict[str, dict[str, str]] = {
    "small network": {
        "answer = Own()": "a class hides its layers; make it with keras.Sequential or",
        "answer = Own(); answer(np.zeros((1, 28, 28, 1)))": "a class hides its layers; make it",
        "answer = keras.Sequential([conv(), flatten(), output()])": (
            "its layers do not know their shapes yet"
        ),
        (
            "answer = keras.Sequential([conv(), flatten(), output()])\n"
            "answer(np.zeros((2, 28, 28, 1)))"
        ): "it takes batches of one size only; begin with keras.Input",
        "answer = keras.Model([image, other], end(layers.Add()([image, other])))": (
            "it should have a single input and a single output"
        ),
        "answer = keras.Model(image, [end(image), end(image)])": (
            "it should have a single input and a single"
        ),
        "answer = keras.Model(image, {'digit': end(image)})": (
            "it should have a single input and a single output"
        ),
        "answer = keras.Model(image, end(Fails()(image)))": "it stops with RuntimeError: ",
        "answer = Own": "the answer is a Keras model; yours is of the type type",
    },
    "random kernels": {
        "answer = Own()": "it should have the layers of `untrained`",
        "answer = keras.Sequential([conv(), flatten(), output()])": (
            "it should have the layers of `untrained`"
        ),
    },
}
