"""Two outputs, what is in an image and where, and a loss for each."""

from functools import partial

import numpy as np
import torch
from torch.nn.functional import cross_entropy, l1_loss

from bidl_sim import Simulator, netx
from bidl_sim.processes import LIF
from bidl_sim.processes.networks import detector
from bidl_sim.trainers import OptimizerConfig, PerOutput, TrainConfig, train

SIZE, STEPS = 16, 6
SCALES = (4, 2)  # squares are to be found on 4 x 4 places, bars on 2 x 2
SHAPES = ((4, 4), (4, 10))


def samples(number, seed):
    """Flickering shapes; what is centred at each place (0 is nothing), and its box."""
    rng = np.random.default_rng(seed)
    frames = rng.random((number, STEPS, 1, SIZE, SIZE)) < 0.02
    scores = np.zeros((number, sum(n * n for n in SCALES)), int)
    boxes = np.zeros((number, 4, scores.shape[1]), np.float32)
    for k in range(number):
        kind = rng.integers(2)
        height, width = SHAPES[kind]
        top, left = rng.integers(SIZE - height), rng.integers(SIZE - width)
        frames[k, :, 0, top : top + height, left : left + width] |= (
            rng.random((height, width)) < 0.8
        )
        box = np.array([top + height / 2, left + width / 2, height, width]) / SIZE
        row, column = (box[:2] * SCALES[kind]).astype(int)
        place = kind * SCALES[0] ** 2 + row * SCALES[kind] + column
        scores[k, place], boxes[k, :, place] = kind + 1, box
    return frames.astype(np.float32), {"scores": scores, "boxes": boxes}


def box_error(boxes, wanted):
    """Mean distance, where there is something."""
    here = wanted.any(1, keepdim=True).expand_as(wanted)
    return l1_loss(boxes[here], wanted[here])


classes = partial(cross_entropy, weight=torch.tensor([0.2, 1.0, 1.0]))  # most places are empty
loss = PerOutput({"scores": classes, "boxes": box_error}, weights={"boxes": 2.0})
net = detector((1, SIZE, SIZE), 3, channels=(8, 16, 16), hidden=16, neuron=partial(LIF, alpha=0.7))
config = TrainConfig(epochs=8, batch_size=16, loss=loss, optimizer=OptimizerConfig(lr=1e-2))
history = train(net, samples(256, seed=0), config=config, progress=False)
print("the loss falls:", history[-1]["train_loss"] < 0.5 * history[0]["train_loss"])

netx.save(net, "detector.net")
frames, wanted = samples(64, seed=1)
found = Simulator(netx.load("detector.net")).run(frames)
print({name: values.shape for name, values in found.items()})
place = found["scores"][:, 1:].max(1).argmax(1)  # where something is most likely
right = found["scores"][range(64), 1:, place].argmax(1) + 1 == wanted["scores"].max(1)
print("squares and bars told apart:", right.mean() > 0.8)
