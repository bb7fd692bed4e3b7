"""Find images and labels that have the right shape but look wrong all the same (notebook 01)."""

import numpy as np

# Numbers of images: for each query, the most similar of the references is found
_REFERENCES, _QUERIES = 2000, 500


def find_problems(arrays: dict[str, np.ndarray], classes: int) -> list[str]:
    """Find what looks wrong with labelled images.

    Args:
        arrays: The images x_train and x_test, uint8 (n, 28, 28) in 0..255, and the labels y_train
            and y_test, integers (n,) in 0..classes - 1.
        classes: Number of classes.

    Returns:
        A few sentences for each problem: what it is, and what to do about it.
    """
    problems = _check_pixels(arrays["x_train"], arrays["x_test"])
    # With wrong pixels, further findings would mean nothing
    if not problems:
        problems = [
            *_check_classes(arrays["y_train"], classes),
            *_check_order(arrays["y_train"]),
            *_check_copies(arrays["x_train"], arrays["x_test"]),
        ]
    return problems or _check_labels(**arrays)


def _check_pixels(x_train: np.ndarray, x_test: np.ndarray) -> list[str]:
    problem = _find_pixel_problem("The images", x_train)
    if problem == _find_pixel_problem("The images", x_test):
        return [problem] if problem else []
    problems = (
        _find_pixel_problem("The training images", x_train),
        _find_pixel_problem("The test images", x_test),
    )
    return [problem for problem in problems if problem]


def _find_pixel_problem(which: str, images: np.ndarray) -> str:
    """Say what is wrong with the pixels of images; an empty string if nothing is."""
    highest = int(images.max())
    if highest <= 1:
        return (
            f"{which} have pixels in 0..1, not in 0..255, and a network would see next to nothing. "
            "If they were divided by 255 and then converted to integers, most of them are lost: "
            "begin with the original ones. If they were black and white, multiply them by 255."
        )
    if highest < 100:
        return (
            f"{which} have pixels in 0..{highest}, not in 0..255, and a network would see little. "
            f'Scale them: np.round(pixels * (255 / {highest})).astype("uint8").'
        )
    border = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]])
    if np.median(border) >= 200:
        return (
            f"{which} seem to be dark on white. MNIST is white on black, and augmentation "
            "and the drawing pad fill margins with black. Invert them: 255 - pixels."
        )
    return ""


def _check_classes(labels: np.ndarray, classes: int) -> list[str]:
    """Check that each class has training images."""
    missing = sorted(set(range(classes)) - set(labels.tolist()))
    if not missing:
        return []
    if missing == [0]:
        problem = "The labels begin at 1, and a network would have one class too many. Subtract 1."
        if classes == 27:
            problem += (
                " EMNIST's letters are stored like that, and transposed: see docs/other_images.md."
            )
        return [problem]
    some = ", ".join(map(str, missing[:5]))
    if len(missing) > 5:
        some += ", …"
    return [
        f"No training image has a label of {some}, although there are {classes} classes. Number "
        "the labels from 0 without gaps."
    ]


def _check_order(labels: np.ndarray) -> list[str]:
    """Check that the last tenth, which is for validation, has more than half of the classes."""
    last_tenth = labels[-max(len(labels) // 10, 1) :]
    classes, last = len(set(labels.tolist())), len(set(last_tenth.tolist()))
    if len(labels) < 100 or last > classes / 2:
        return []
    return [
        f"The last tenth of the training images, which is for validation, has only {last} of "
        f"{classes} classes, as if they were sorted. Shuffle images and labels alike: order = "
        "np.random.default_rng(0).permutation(len(labels)); images[order], labels[order]."
    ]


def _check_copies(x_train: np.ndarray, x_test: np.ndarray) -> list[str]:
    """Check for duplicate images, by their hashes; for MNIST this takes 0.1 s."""
    train = [hash(image.tobytes()) for image in x_train]
    test = [hash(image.tobytes()) for image in x_test]
    different, problems = set(train), []
    if len(different) < 0.9 * len(train):
        problems.append(
            f"Only {len(different):,} of the {len(train):,} training images are different, so "
            "the network would be trained on validation images as well. Keep one of each."
        )
    shared = sum(image in different for image in test)
    if shared > 0.01 * len(test):
        problems.append(
            f"{shared:,} of the {len(test):,} test images are training images, too, so the test "
            "would flatter the network. Remove them from one of the two."
        )
    return problems


def _check_labels(
    x_train: np.ndarray, y_train: np.ndarray, x_test: np.ndarray, y_test: np.ndarray
) -> list[str]:
    """Check that the most similar image has the same label more often than by chance."""
    rng = np.random.default_rng(0)
    order = rng.permutation(len(x_train))
    queries, references = order[:_QUERIES], order[_QUERIES : _QUERIES + _REFERENCES]
    test_queries = rng.permutation(len(x_test))[:_QUERIES]
    problems: list[str] = []
    for kind, images, labels in (
        ("training", x_train[queries], y_train[queries]),
        ("test", x_test[test_queries], y_test[test_queries]),
    ):
        if not problems and _agree_by_chance(
            x_train[references], y_train[references], images, labels
        ):
            problems.append(
                f"The labels of the {kind} images do not seem to belong to them: the most similar "
                "training image has another label as often as by chance. Were the images sorted or "
                "shuffled without their labels, or the labels without their images?"
            )
    return problems


def _agree_by_chance(
    references: np.ndarray, reference_labels: np.ndarray, images: np.ndarray, labels: np.ndarray
) -> bool:
    """Whether nearest neighbours share their label no more often than by chance.

    "By chance" means up to 3 standard deviations above the mean for shuffled labels.

    Args:
        references: Images among which neighbours are sought, uint8 (references, 28, 28).
        reference_labels: Their labels, integers (references,) in 0..255.
        images: Images whose nearest neighbours are sought, uint8 (n, 28, 28).
        labels: Their labels, integers (n,) in 0..255.

    Returns:
        The answer; False if there are fewer than 100 images of either kind, too few to tell.
    """
    if min(len(references), len(images)) < 100:
        return False
    references = references.reshape(len(references), -1).astype("float32")
    images = images.reshape(len(images), -1).astype("float32")
    # The nearest one has the smallest squared distance
    # |image|² - 2 image·reference + |reference|², whose first term is the same for all
    squares = (references**2).sum(axis=1)
    nearest = (squares - 2 * images @ references.T).argmin(axis=1)
    agreed = np.mean(reference_labels[nearest] == labels)
    reference_share = np.bincount(reference_labels, minlength=256) / len(reference_labels)
    share = np.bincount(labels, minlength=256) / len(labels)
    chance = (reference_share * share).sum()
    return bool(agreed < chance + 3 * np.sqrt(chance * (1 - chance) / len(labels)))
