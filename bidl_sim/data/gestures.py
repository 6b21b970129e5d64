"""A built-in data set: hand gestures seen by a simulated event camera, generated from a seed."""

from __future__ import annotations

import numpy as np

from bidl_sim.data.camera import event_camera
from bidl_sim.data.frames import Framing
from bidl_sim.data.recordings import Recordings
from bidl_sim.typing import Array

CLASSES = ("left", "right", "up", "down", "clockwise", "anticlockwise", "approach", "retreat")
SIZE = (28, 28)
DURATION = 400_000
FRAMES = 48


def load(number: int, seed: int, framing: Framing) -> Recordings:
    """``number`` recordings of 0.4 s, the classes in turn; each depends on seed and index only.

    A hand (a palm and four fingers, brighter than an uneven background) moves across the view of
    a 28 x 28 sensor, in a straight line, on a circle, or towards and away from the camera. Start,
    size, tilt, speed and contrast vary; every recording has noise events.
    """
    frames = []
    for k in range(number):
        rng = np.random.default_rng([seed, k])
        events = gesture(CLASSES[k % len(CLASSES)], rng)
        frames.append(framing(events, SIZE, f"gesture {k}"))
    labels = np.arange(number, dtype=np.int64) % len(CLASSES)
    return Recordings(np.stack(frames), labels, CLASSES)


def gesture(name: str, rng: np.random.Generator) -> Array:
    """Events of one performance of a gesture."""
    path, scale = _motion(name, rng)
    tilt = rng.uniform(-0.5, 0.5)
    contrast = rng.uniform(1.5, 3.0)
    background = _background(rng)
    video = np.stack(
        [
            background * (1 + contrast * _hand(x, y, size, tilt))
            for (x, y), size in zip(path, scale, strict=True)
        ]
    )
    return event_camera(video, DURATION, rng, threshold=0.25, noise=0.15)


def _motion(name: str, rng: np.random.Generator) -> tuple[Array, Array]:
    """Position (x, y in [-1, 1], y down) and size of the hand in each frame."""
    s = np.linspace(0, 1, FRAMES)
    eased = s + rng.uniform(-0.12, 0.12) * np.sin(2 * np.pi * s)
    centre = rng.uniform(-0.2, 0.2, 2)
    size = np.full(FRAMES, rng.uniform(0.28, 0.38))
    reach = rng.uniform(0.45, 0.65)
    if name in ("clockwise", "anticlockwise"):
        turn = 2 * np.pi * rng.uniform(0.8, 1.2) * eased * (1 if name == "clockwise" else -1)
        angle = rng.uniform(0, 2 * np.pi) + turn
        return centre + 0.75 * reach * np.stack([np.cos(angle), np.sin(angle)], 1), size
    if name in ("approach", "retreat"):
        grow = np.exp(rng.uniform(0.7, 1.0) * (eased - 0.5) * (1 if name == "approach" else -1))
        return np.tile(centre, (FRAMES, 1)), size * grow
    direction = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}[name]
    across = np.array([direction[1], direction[0]]) * rng.uniform(-0.15, 0.15)
    line = (2 * eased - 1)[:, None] * (np.array(direction) * reach + across)
    return centre + line, size


def _hand(x: float, y: float, size: float, tilt: float) -> Array:
    """How much of each pixel the hand covers, 0 to 1: a palm and four fingers."""
    rows, columns = (np.linspace(-1, 1, n) for n in SIZE)
    dx, dy = np.meshgrid((columns - x) / size, (rows - y) / size)
    u, v = np.cos(tilt) * dx + np.sin(tilt) * dy, np.cos(tilt) * dy - np.sin(tilt) * dx
    cover = _disc(u, (v - 0.3) / 0.9, 0.75)
    for k, length in enumerate((0.75, 0.95, 0.9, 0.7)):
        cover = np.maximum(cover, _disc((u - (k - 1.5) * 0.42) / 0.35, (v + 0.55) / length, 0.55))
    return cover


def _disc(u: Array, v: Array, radius: float) -> Array:
    edge: Array = np.clip((radius - np.hypot(u, v)) * 4 + 0.5, 0, 1)
    return edge


def _background(rng: np.random.Generator) -> Array:
    coarse = rng.uniform(0.6, 1.4, (5, 5))
    rows, columns = (np.linspace(0, 4, n) for n in SIZE)
    r, c = rows.astype(int).clip(0, 3), columns.astype(int).clip(0, 3)
    fr, fc = (rows - r)[:, None], (columns - c)[None, :]
    upper = coarse[np.ix_(r, c)] * (1 - fc) + coarse[np.ix_(r, c + 1)] * fc
    lower = coarse[np.ix_(r + 1, c)] * (1 - fc) + coarse[np.ix_(r + 1, c + 1)] * fc
    smooth: Array = upper * (1 - fr) + lower * fr
    return smooth
