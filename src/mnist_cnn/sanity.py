"""Sanity checks: images and labels may have the right shape and still be wrong (notebook 01)."""

import numpy as np

_KNOWN, _ASKED = 2000, 500  # images: of the latter the most similar ones are sought in the former


def find_problems(arrays: dict[str, np.ndarray], classes: int) -> list[str]:
    """What looks wrong with labelled images, a sentence each, with what to do; mostly nothing.

    Args:
        arrays: x_train and x_test, uint8 (n, 28, 28) in 0..255; y_train and y_test, integers (n,)
            in 0..classes - 1.
        classes: how many there are.
    """
    problems = _check_pixels(arrays["x_train"], arrays["x_test"])
    # What is found in such images means nothing
    if not problems:
        problems = [
            *_check_classes(arrays["y_train"], classes),
            *_check_order(arrays["y_train"]),
            *_check_copies(arrays["x_train"], arrays["x_test"]),
        ]
    return problems or _check_labels(**arrays)


def _check_pixels(x_train: np.ndarray, x_test: np.ndarray) -> list[str]:
    train, test = _look_at_pixels(x_train), _look_at_pixels(x_test)
    if train == test:
        return [f"The images {train}"] if train else []
    found = {"training": train, "test": test}
    return [f"The {kind} images {problem}" for kind, problem in found.items() if problem]


def _look_at_pixels(images: np.ndarray) -> str:
    """What is wrong with the pixels of some images: the end of a sentence, or nothing."""
    highest = int(images.max())
    if highest <= 1:
        return (
            "have pixels in 0..1, not in 0..255, and a network would see next to nothing. If they "
            "were divided by 255 and then made whole numbers, most is lost: begin with the original "
            "ones. If they were black and white, multiply them by 255."
        )
    if highest < 100:
        return (
            f"have pixels in 0..{highest}, not in 0..255, and a network would see little. Scale "
            f'them: np.round(pixels * (255 / {highest})).astype("uint8").'
        )
    border = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]])
    if np.median(border) >= 200:
        return (
            "seem to be dark on white. MNIST is white on black, augmentation fills up with black, "
            "and so does the drawing pad. Invert them: 255 - pixels."
        )
    return ""


def _check_classes(labels: np.ndarray, classes: int) -> list[str]:
    missing = sorted(set(range(classes)) - set(labels.tolist()))
    if missing == [0]:
        letters = (
            " EMNIST's letters are stored like that, and transposed: see docs/other_images.md."
        )
        return [
            "The labels begin at 1, and a network would have one class too many. Subtract 1."
            + (letters if classes == 27 else "")
        ]
    if missing:
        some = ", ".join(map(str, missing[:5])) + (", …" if len(missing) > 5 else "")
        return [
            f"No training image has a label of {some}, although there are {classes} classes. Number "
            "the labels from 0 without gaps."
        ]
    return []


def _check_order(labels: np.ndarray) -> list[str]:
    """The last tenth is for validation, and has to hold all classes."""
    there, last = len(set(labels.tolist())), len(set(labels[-max(len(labels) // 10, 1) :].tolist()))
    if len(labels) < 100 or last > there / 2:
        return []
    return [
        f"The last tenth of the training images, which validates, has only {last} of {there} "
        "classes, as if they were sorted. Shuffle images and labels alike: order = "
        "np.random.default_rng(0).permutation(len(labels)); images[order], labels[order]."
    ]


def _check_copies(x_train: np.ndarray, x_test: np.ndarray) -> list[str]:
    """Images that are there several times; compared by their hashes, which takes 0.1 s of MNIST."""
    train, test = ([hash(image.tobytes()) for image in images] for images in (x_train, x_test))
    different, problems = set(train), []
    if len(different) < 0.9 * len(train):
        problems.append(
            f"Only {len(different):,} of the {len(train):,} training images are different, so "
            "images to validate on are trained on as well. Keep one of each."
        )
    shared = sum(image in different for image in test)
    if shared > 0.01 * len(test):
        problems.append(
            f"{shared:,} of the {len(test):,} test images are training images, too, so the test "
            "would flatter the network. Take them out of one."
        )
    return problems


def _check_labels(
    x_train: np.ndarray, y_train: np.ndarray, x_test: np.ndarray, y_test: np.ndarray
) -> list[str]:
    """Whether the most similar image has the same label more often than by chance."""
    rng = np.random.default_rng(0)
    order = rng.permutation(len(x_train))
    asked, known = order[:_ASKED], order[_ASKED : _ASKED + _KNOWN]
    asked_of_test = rng.permutation(len(x_test))[:_ASKED]
    problems = []
    for kind, images, labels in (
        ("training", x_train[asked], y_train[asked]),
        ("test", x_test[asked_of_test], y_test[asked_of_test]),
    ):
        if not problems and _agree_by_chance(x_train[known], y_train[known], images, labels):
            problems.append(
                f"The labels of the {kind} images do not seem to belong to them: the most similar "
                "training image has another label as often as by chance. Were images or labels "
                "sorted or shuffled alone?"
            )
    return problems


def _agree_by_chance(
    known: np.ndarray, known_labels: np.ndarray, images: np.ndarray, labels: np.ndarray
) -> bool:
    """Whether nearest neighbours share their label no more often than by chance.

    By chance is up to 3 standard deviations above the mean of shuffled labels. False if there are
    fewer than 100 images of either kind, which cannot tell.
    """
    if min(len(known), len(images)) < 100:
        return False
    known, images = (array.reshape(len(array), -1).astype("float32") for array in (known, images))
    squares = (known**2).sum(axis=1)
    nearest = (squares - 2 * images @ known.T).argmin(axis=1)
    agreed = np.mean(known_labels[nearest] == labels)
    shares = (np.bincount(each, minlength=256) / len(each) for each in (known_labels, labels))
    chance = np.prod([*shares], axis=0).sum()
    return agreed < chance + 3 * np.sqrt(chance * (1 - chance) / len(labels))
