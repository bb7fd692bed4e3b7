"""How much wider the margins of notebook 05 become if its test images are counted by writer.

QMNIST's labels name the writer of each of MNIST's test images (Yadav and Bottou 2019). Pass the
path of qmnist-test-labels.tsv.gz from github.com/facebookresearch/qmnist; MNIST_NPZ names the full
data. The standard error of the accuracy comes from the mistakes of each writer, as of a cluster.
Seen with the runs that come with the package (2026-11-30):

    297 writers, 249 of them of the first 5,001 images
    relu        51 mistakes (40 and 11), margin 1.24 times as wide
    leaky_relu  52 mistakes (40 and 12), margin 1.29 times as wide
    improved    33 mistakes (22 and 11), margin 1.15 times as wide
"""

import gzip
import sys

import numpy as np

from mnist_cnn.data import load_images
from mnist_cnn.models import predict
from mnist_cnn.runs import SHIPPED, load_run

with gzip.open(sys.argv[1], "rt") as lines:
    table = np.array([list(map(int, line.split())) for line in lines])[:10_000]
digits = load_images()
is_student = table[:, 1] == 4  # the series hsf_4
in_order = (table[:, 0] == digits.y_test).all()
if not in_order or (np.flatnonzero(is_student) != np.arange(5_001)).any():
    sys.exit("these are not the labels of MNIST's test images, in their order")
writers, writer = np.unique(table[:, 2], return_inverse=True)
images = np.bincount(writer)
print(f"{len(writers)} writers, {len(set(table[is_student, 2]))} of them of the first 5,001 images")
for name in ("relu", "leaky_relu", "improved"):
    guesses = predict(load_run(SHIPPED / f"{name}.npz").load_model(), digits.x_test).argmax(axis=1)
    wrong = guesses != digits.y_test
    share = wrong.mean()
    beyond_expected = np.bincount(writer, wrong) - share * images
    by_writer = len(writers) / (len(writers) - 1) * (beyond_expected**2).sum()
    by_image = len(wrong) * share * (1 - share)
    print(
        f"{name:11} {wrong.sum()} mistakes "
        f"({wrong[is_student].sum()} and {wrong[~is_student].sum()}), "
        f"margin {np.sqrt(by_writer / by_image):.2f} times as wide"
    )
