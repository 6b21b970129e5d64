"""Where and how a run computes: always here, in a chip's integers."""

from __future__ import annotations

from typing import Any

from bidl_sim.errors import ParameterError

TAGS = ("fixed_pt", "bit_accurate_loihi", "bit_approximate_loihi")


class RunConfig:
    """Base of configurations, also of a script's own.

    Lava selects a model for each process by tag, table or a method ``select``. Here a process has
    one model, so those are taken and have no effect; a tag of a model in real numbers is refused.

    Parameters
    ----------
    select_tag : "fixed_pt" or another of `TAGS`
    select_sub_proc_model, exception_proc_model_map, custom_sync_domains, loglevel
        Taken, without effect.
    """

    def __init__(
        self,
        custom_sync_domains: Any = None,
        select_tag: str | None = None,
        select_sub_proc_model: bool = False,
        exception_proc_model_map: Any = None,
        loglevel: int = 30,
    ) -> None:
        self.select_tag = select_tag

    def check(self) -> None:
        """Refuse what cannot be run here."""
        tag = getattr(self, "select_tag", None)
        if tag is not None and tag not in TAGS:
            raise ParameterError(
                f"{type(self).__name__}, select_tag",
                f"must be one of {', '.join(TAGS)}, got {tag!r}",
                "networks of .net files are integers; read them with "
                "bidl_sim.netx.load(path, arithmetic='fixed') to compute in the units of training",
            )

    def select(self, proc: Any, proc_models: Any) -> Any:
        """Not called: a process has one model."""
        return proc_models[0]


class Loihi1SimCfg(RunConfig):
    """A simulation of Loihi 1."""


class Loihi2SimCfg(RunConfig):
    """A simulation of Loihi 2, which for these processes is the same."""


class _HardwareCfg(RunConfig):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise ParameterError(
            type(self).__name__, "needs Intel's compiler and a chip", "use Loihi2SimCfg"
        )


class Loihi1HwCfg(_HardwareCfg):
    """Loihi 1 itself, which is refused."""


class Loihi2HwCfg(_HardwareCfg):
    """Loihi 2 itself, which is refused."""
