"""A simulated event camera: from a video to the events it would cause."""

from __future__ import annotations

import numpy as np

from bidl_sim.data.frames import EVENT
from bidl_sim.typing import Array


def event_camera(
    video: Array,
    duration: int,
    rng: np.random.Generator,
    threshold: float = 0.2,
    noise: float = 0.0,
) -> Array:
    """Events where the logarithm of the brightness changed by ``threshold``.

    Each pixel remembers the log brightness of its last event, L_ref. When the video moves away
    from it by n thresholds between two frames, n events follow, evenly spread over the time
    between the frames, and L_ref moves by n thresholds.

    Parameters
    ----------
    video : (frames, height, width), brightness > 0
    duration : length of the video in microseconds
    rng : for the noise events
    threshold : contrast sensitivity, in log units
    noise : random events per pixel over the whole video

    Returns
    -------
    Events in order of time, dtype `EVENT`.

    References
    ----------
    Lichtsteiner et al., IEEE JSSC 43 (2008), for the pixel; Rebecq et al., ESIM, CoRL 2018, for
    the interpolation between frames.
    """
    log = np.log(video)
    frames, height, width = video.shape
    reference = log[0].copy()
    found = [_noise_events(rng, round(noise * height * width), duration, height, width)]
    for k in range(1, frames):
        crossings = ((log[k] - reference) / threshold).astype(np.int64)  # towards zero
        reference += crossings * threshold
        y, x = np.nonzero(crossings)
        count = np.abs(crossings[y, x])
        events = np.zeros(count.sum(), EVENT)
        events["x"], events["y"] = np.repeat(x, count), np.repeat(y, count)
        events["p"] = np.repeat(crossings[y, x] > 0, count)
        rank = np.arange(len(events)) - np.repeat(np.cumsum(count) - count, count)
        within = (rank + 1) / np.repeat(count, count)
        events["t"] = (k - 1 + within) * duration / (frames - 1)
        found.append(events)
    events = np.concatenate(found)
    return events[np.argsort(events["t"], kind="stable")]


def _noise_events(
    rng: np.random.Generator, mean: int, duration: int, height: int, width: int
) -> Array:
    events = np.zeros(rng.poisson(mean), EVENT)
    events["t"] = rng.integers(0, duration, len(events))
    events["x"] = rng.integers(0, width, len(events))
    events["y"] = rng.integers(0, height, len(events))
    events["p"] = rng.integers(0, 2, len(events))
    return events
