"""Learning in the loop: what a spike, or the end of an epoch, does to synapses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bidl_sim.core.forms import Matrix, Rows, WeightRule
from bidl_sim.core.trace.expression import Expression
from bidl_sim.core.trace.kernels import HEAD
from bidl_sim.core.trace.lines import lines
from bidl_sim.engines.event.roles import Role
from bidl_sim.typing import Array

if TYPE_CHECKING:
    from bidl_sim.engines.event.lower import Lowering

ON_PRE = """
def on_pre(t, count, events, offsets, targets, weight, {traces}):
    for k in range(count):
        i = events[k]
        for s in range(offsets[i], offsets[i + 1]):
            j = np.uint32(targets[s])
            {equation}
            weight[s] = new
"""

ON_POST = """
def on_post(t, count, events, offsets, sources, synapses, weight, {traces}):
    for k in range(count):
        j = events[k]
        for c in range(offsets[j], offsets[j + 1]):
            i = np.uint32(sources[c])
            s = synapses[c]
            {equation}
            weight[s] = new
"""

ON_EPOCH = """
def on_epoch(t, pre, post, offsets, targets, weight, {traces}):
    for i in range(offsets.size - 1):
        for s in range(offsets[i], offsets[i + 1]):
            j = np.uint32(targets[s])
            i_pre, i_post = F(pre[i]), F(post[j])
            {equation}
            weight[s] = new
"""


def learn(lowering: Lowering, path: str, rule: WeightRule) -> None:
    """Write what a rule does in a step: the weights of sources, of targets, then the traces."""
    loop, synapse = lowering.loop, lowering.plan.learning[path]
    rows = lowering.plan.forms[synapse]
    assert isinstance(rows, Rows)
    sides = {"pre": rule.pre, "post": rule.post}
    weight = loop.argument(f"{synapse}.weight", rows.weight)
    loop.states[f"{synapse}.weight"] = weight
    tables = {"pre": {"offsets": rows.offsets.astype(np.int64), "targets": rows.targets}}
    if "on_post" in rule.changes:
        tables["post"] = by_target(rows, loop.size(f"{path}.post"))
    names = {side: tuple(step.states) for side, step in sides.items()}
    values, traces = {}, {}
    for side, step in sides.items():
        port = f"{path}.{side}"
        values[side] = lowering.heard(port)
        for name in step.states:
            array = np.zeros(loop.size(port), lowering.dtype)
            traces[name] = loop.argument(f"{path}.{name}", array)
            loop.states[f"{path}.{name}"] = traces[name]
    table = {
        side: [loop.argument(f"{path}.{side}.{n}", array) for n, array in arrays.items()]
        for side, arrays in tables.items()
    }
    for name, new in rule.changes.items():
        source = rule_source(name, new, names, np.dtype(lowering.dtype).name)
        function = loop.import_from(source, name)
        last = [weight, *traces.values()]
        if name == "on_epoch":
            spikes = [value for value, _ in values.values()]
            loop.write(f"if (t + 1) % {rule.epoch} == 0:")
            loop.write(f"    {function}({', '.join(['t', *spikes, *table['pre'], *last])})")
        else:
            side = name.removeprefix("on_")
            events = lowering.find_events(f"{path}.{side}", *values[side])
            arguments = ["t", f"n_{events}", events, *table[side], *last]
            loop.write(f"{function}({', '.join(arguments)})")
    for side, step in sides.items():
        heard, direct = values[side]
        if step.states:
            lowering.update(path, step, {side: heard}, not direct)
        elif not direct:
            loop.write(f"{heard}[:] = 0")


def rule_source(name: str, new: Expression, sides: Mapping[str, Sequence[str]], dtype: str) -> str:
    """A module with ``on_pre``, ``on_post`` or ``on_epoch``: new weights of the synapses it visits.

    ``sides`` gives the names of the traces of sources and of targets.
    """
    traces = [f"{side}_{n}" for side in ("pre", "post") for n in sides[side]]
    names = {"t": "t", "weight": "w", "pre": "i_pre", "post": "i_post"}
    names.update({n: f"s_{n}" for side in sides.values() for n in side})
    equation = [
        *(f"s_{n} = pre_{n}[i]" for n in sides["pre"]),
        *(f"s_{n} = post_{n}[j]" for n in sides["post"]),
        "w = weight[s]",
        *lines({"new": new}, names),
    ]
    template = {"on_pre": ON_PRE, "on_post": ON_POST, "on_epoch": ON_EPOCH}[name]
    body = template.replace("{traces}", ", ".join(traces))
    body = body.replace("{equation}", f"\n{' ' * 12}".join(equation))
    return f"{HEAD.format(dtype=dtype)}\n{body}"


def weights_of_its_own(form: Role, dtype: Any) -> Rows:
    """Synapses one by one, in the order of their sources, with weights that may be changed."""
    if isinstance(form, Rows):
        return replace(form, weight=form.weight.astype(dtype))
    assert isinstance(form, Matrix)
    n_in, n_out = form.by_source.shape
    targets = np.tile(np.arange(n_out, dtype=np.int32), n_in)
    no_delay = np.zeros((), np.int64)
    offsets = np.arange(n_in + 1) * n_out
    weight = form.by_source.astype(dtype, "C").ravel()
    return Rows(offsets, targets, weight, no_delay, form.constant)


def by_target(rows: Rows, size: int) -> dict[str, Array]:
    """Offsets of each target, and the source and number of each of its synapses."""
    counts = np.bincount(rows.targets, minlength=size)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    synapses = np.argsort(rows.targets, kind="stable").astype(np.int32)
    sources = np.arange(len(rows.offsets) - 1, dtype=np.int32).repeat(np.diff(rows.offsets))
    return {"offsets": offsets, "sources": sources[synapses], "synapses": synapses}
