"""Spyx: its LIF neuron in JAX, layers and all steps compiled as one."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any

from bidl_sim.bench.layers import WORKS, Step, inputs
from bidl_sim.bench.peers.peer import Peer, Ready, timed


def _ready(work: str) -> Ready:
    """Values are ``(time, batch, *)``, images with the channels last."""
    import jax.numpy as jnp
    from flax import nnx

    class Model(nnx.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            self.layers = nnx.List(_layers(work))

        def __call__(self, x: Any) -> Any:
            for layer in self.layers:
                x = layer(x)
            return x

    x = jnp.asarray(inputs(work).transpose(0, 1).numpy())
    if work == "convlif":
        x = jnp.moveaxis(x, 2, -1)
    step = _gradient(Model(), x) if work == "lif" else _trained(Model(), x)
    return Ready(partial(timed, step), note="spikes a step late, resets by subtraction")


def _layers(work: str) -> list[Any]:
    from flax import nnx
    from spyx import axn
    from spyx import nn as snn

    rngs = nnx.Rngs(0)

    class Neurons(nnx.Module):  # type: ignore[misc]
        def __init__(self, *shape: int) -> None:
            self.lif = snn.LIF(shape, beta=0.8, activation=axn.arctan(1), rngs=rngs)

        def __call__(self, x: Any) -> Any:
            return snn.run(self.lif, x)[0]

    class Folded(nnx.Module):  # type: ignore[misc]
        """Steps and samples as one batch."""

        def __init__(self, *parts: Any) -> None:
            self.parts = nnx.List(parts)

        def __call__(self, x: Any) -> Any:
            y = x.reshape(-1, *x.shape[2:])
            for part in self.parts:
                y = part(y)
            return y.reshape(*x.shape[:2], *y.shape[1:])

    if work == "lif":
        return [Neurons(62_500)]
    if work == "linear_lif":
        return [Folded(nnx.Linear(512, 512, use_bias=False, rngs=rngs)), Neurons(512)]
    found: list[Any] = []
    for size, (before, after) in zip((40, 20, 10), pairwise((2, 64, 128, 256)), strict=True):
        convolution = nnx.Conv(before, after, (3, 3), padding=1, use_bias=False, rngs=rngs)
        found += [Folded(convolution, nnx.BatchNorm(after, rngs=rngs)), Neurons(size, size, after)]
        found += [Folded(partial(nnx.avg_pool, window_shape=(2, 2), strides=(2, 2)))]
    found += [Folded(_flat, nnx.Linear(256 * 25, 256, rngs=rngs)), Neurons(256)]
    return [*found, Folded(nnx.Linear(256, 11, rngs=rngs)), Neurons(11)]


def _flat(x: Any) -> Any:
    return x.reshape(len(x), -1)


def _gradient(model: Any, x: Any) -> Step:
    import jax
    from flax import nnx

    g = jax.random.normal(jax.random.key(0), x.shape)

    @nnx.jit  # type: ignore[untyped-decorator]
    def gradient(model: Any, x: Any, g: Any) -> Any:
        spikes, back = jax.vjp(model, x)
        return spikes, back(g)

    jax.block_until_ready((x, g))
    return lambda: jax.block_until_ready(gradient(model, x, g))


def _trained(model: Any, x: Any) -> Step:
    import jax
    from flax import nnx

    @nnx.jit  # type: ignore[untyped-decorator]
    def step(model: Any, x: Any) -> Any:
        loss, slopes = nnx.value_and_grad(lambda model: model(x).sum())(model)
        learned = nnx.state(model, nnx.Param)
        nnx.update(model, jax.tree.map(lambda p, g: p - 1e-3 * g, learned, slopes))
        return loss

    jax.block_until_ready(x)
    return lambda: jax.block_until_ready(step(model, x))


PEER = Peer("spyx", "spyx", {work: partial(_ready, work) for work in WORKS})
