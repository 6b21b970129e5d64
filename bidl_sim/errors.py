"""Every exception that bidl_sim raises on purpose.

    BidlError
    ├── ParameterError (ValueError)       an argument or a parameter outside its domain
    ├── ShapeError (ValueError)           arrays or signals whose shapes do not fit
    ├── GraphError (ValueError)           names and connections that make no valid network
    ├── ScheduleError (ValueError)        no order of execution exists
    ├── TraceError (TypeError)            a step that cannot be compiled, only run on tensors
    ├── StateError (RuntimeError)         a run, a state or a path that does not fit the network
    ├── DataError (ValueError)            events, labels or recordings that cannot be used
    ├── ConfigError (ValueError)          a configuration file or override
    ├── FormatError (ValueError)          a model file that is damaged, foreign or unsafe
    ├── MissingExtraError (ImportError)   an optional dependency that is not installed
    └── MissingToolError (ImportError)    a vendor's software that is not installed

A message says where, what is wrong with the given and the wanted value, and what to do:
``LIF 'hidden' (train.py:31), v_th: must be > 0, got -0.5``.
"""

from __future__ import annotations


class BidlError(Exception):
    """Base of all errors of this library; ``where`` and ``help`` are kept apart for callers."""

    def __init__(self, where: str, problem: str, help: str = "") -> None:
        self.where = where
        self.problem = problem
        self.help = help
        super().__init__(where, problem, help)

    def __str__(self) -> str:
        text = f"{self.where}: {self.problem}" if self.where else self.problem
        return f"{text}. help: {self.help}" if self.help else text


class ParameterError(BidlError, ValueError):
    """An argument or a parameter lies outside its domain."""


class ShapeError(BidlError, ValueError):
    """Shapes of arrays, parameters or connected signals do not fit."""


class GraphError(BidlError, ValueError):
    """Names and connections do not make a valid network."""


class ScheduleError(BidlError, ValueError):
    """The network has no order of execution, for example a cycle without delay."""


class TraceError(BidlError, TypeError):
    """A step uses what cannot be traced; the torch engine still runs it."""


class StateError(BidlError, RuntimeError):
    """A run, a state or a path does not fit the network as it stands."""


class DataError(BidlError, ValueError):
    """Events, labels or recordings cannot be used."""


class ConfigError(BidlError, ValueError):
    """A configuration file or a command-line override is wrong."""


class FormatError(BidlError, ValueError):
    """A model file is damaged, foreign or unsafe; ``where`` names file and field."""


class MissingExtraError(BidlError, ImportError):
    """An optional dependency is needed and not installed."""

    def __init__(self, feature: str, package: str, extra: str) -> None:
        super().__init__(
            feature, f"needs the package '{package}'", f"pip install 'bidl_sim[{extra}]'"
        )


class MissingToolError(BidlError, ImportError):
    """Software is needed that is not installed and that no extra brings, such as a vendor's."""
