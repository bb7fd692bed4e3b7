"""The recipe "relu" in PyTorch, for comparison: pip install torch==2.13.0."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from mnist_cnn.data import Dataset, split_validation
from mnist_cnn.recipes import Recipe

BATCH_SIZE = 128


def build_network() -> nn.Sequential:
    """Build the network of the recipe "relu", which returns logits."""
    layers = [
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(64, 128, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(1152, 128),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(128, 10),
    ]
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


def fit(
    dataset: Dataset, recipe: Recipe, epochs: int, on_epoch: Callable[[], None]
) -> tuple[int, int]:
    """Train the network for the first epochs of a recipe.

    Args:
        dataset: The images. The last tenth of the training images is for validation.
        recipe: The recipe "relu", of which epochs, learning_rate and weight_decay are used. The
            learning rate follows a cosine.
        epochs: Number of epochs to train.
        on_epoch: A function to call at the start, and after each epoch and its validation.

    Returns:
        The number of parameters, and the number of training images.
    """
    network = build_network()
    (images, labels), validation = split_validation(dataset.x_train, dataset.y_train)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    steps_per_epoch = math.ceil(len(images) / BATCH_SIZE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
        optimizer, recipe.epochs * steps_per_epoch
    )
    loss_of = nn.CrossEntropyLoss()
    on_epoch()
    for _ in range(epochs):
        network.train()
        for rows in np.array_split(np.random.permutation(len(images)), steps_per_epoch):
            optimizer.zero_grad()
            logits = network(prepare(images[rows]))
            loss_of(logits, torch.from_numpy(labels[rows]).long()).backward()
            optimizer.step()
            schedule.step()
        accuracy = evaluate(network, *validation)
        on_epoch()
    print(f"validation accuracy {accuracy:.2%} after {epochs} epochs")  # shows that it learns
    return sum(weights.numel() for weights in network.parameters()), len(images)


def evaluate(network: nn.Module, images: np.ndarray, labels: np.ndarray) -> float:
    """The accuracy of a network, in 0..1.

    Args:
        network: The network.
        images: Images, uint8 (n, 28, 28) in 0..255.
        labels: Labels, integers (n,) in 0..9.
    """
    network.eval()
    with torch.no_grad():
        predicted = [
            network(prepare(images[first : first + 500])).argmax(1)
            for first in range(0, len(images), 500)
        ]
    return float((torch.cat(predicted).numpy() == labels).mean())


def prepare(images: np.ndarray) -> torch.Tensor:
    """Turn images, uint8 (n, 28, 28) in 0..255, into the network's input.

    Returns:
        The images with a channel axis, float32 (n, 1, 28, 28) in 0..1.
    """
    return (torch.from_numpy(images)[:, None].float() / 255).to(memory_format=torch.channels_last)
