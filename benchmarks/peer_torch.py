"""The recipe "relu" in PyTorch, for comparison: pip install torch==2.13.0."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from mnist_cnn.data import Dataset, split_validation


def fit(
    digits: Dataset, look: Callable[[], None], epochs: int, batch_size: int = 128
) -> tuple[int, int]:
    """Train for a few of twenty epochs, and call `look` at the start and after each.

    Returns:
        The number of parameters, and that of training images.
    """
    network = nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(64, 128, 3), nn.ReLU(), nn.Flatten(),
        nn.Linear(1152, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10),
    ).to(memory_format=torch.channels_last)  # fmt: skip
    (images, labels), (x_val, y_val) = split_validation(digits.x_train, digits.y_train)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1.5e-3, weight_decay=0.02)
    steps = 20 * -(-len(images) // batch_size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    loss_of = nn.CrossEntropyLoss()
    look()
    for _ in range(epochs):
        network.train()
        for rows in np.array_split(np.random.permutation(len(images)), steps // 20):
            optimizer.zero_grad()
            loss_of(
                network(prepare(images[rows])), torch.from_numpy(labels[rows]).long()
            ).backward()
            optimizer.step()
            schedule.step()
        network.eval()
        with torch.no_grad():
            read = [
                network(prepare(x_val[first : first + 500])).argmax(1)
                for first in range(0, len(x_val), 500)
            ]
        look()
    accuracy = (torch.cat(read).numpy() == y_val).mean()
    print(f"validation accuracy {accuracy:.2%} after {epochs} epochs")  # it has to learn, too
    return sum(weights.numel() for weights in network.parameters()), len(images)


def prepare(images: np.ndarray) -> torch.Tensor:
    """uint8 (n, 28, 28) in 0..255 to float32 (n, 1, 28, 28) in 0..1."""
    return (torch.from_numpy(images)[:, None].float() / 255).to(memory_format=torch.channels_last)
