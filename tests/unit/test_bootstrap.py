"""The rate function fitted to samples of spiking neurons."""

from __future__ import annotations

import pytest
import torch

from bidl_sim.errors import StateError
from bidl_sim.trainers.bootstrap import RateActivation


def samples(
    a: torch.Tensor, slope: float, offset: float = 0.0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs in front of constant rates, ``a = slope (z - offset)``; two steps each."""
    z = a / slope + offset
    return z[:, None].expand(-1, 2), a[:, None].expand(-1, 2)


RATES = torch.linspace(0.0, 1.0, 2001, dtype=torch.float64)


def test_a_straight_line_is_found_again() -> None:
    f = RateActivation()
    f.sample(*samples(RATES, slope=2.0, offset=0.3))
    f.fit()
    assert 0.9 <= f.maximum <= 1.0
    torch.testing.assert_close(f.slopes, torch.full((6,), 2.0, dtype=torch.float64))
    z = torch.tensor([0.0, 0.3, 0.5, 5.0], dtype=torch.float64, requires_grad=True)
    rates = f(z)
    assert rates.tolist() == pytest.approx([0.0, 0.0, 0.4, f.maximum], abs=1e-12)
    rates.sum().backward()
    scaled = 2.0 * (0.3 + f.maximum / 2) / f.maximum
    assert z.grad.tolist() == pytest.approx([1e-5, scaled + 1e-5, scaled + 1e-5, 1e-5])


def test_a_second_fit_moves_a_tenth_of_the_way() -> None:
    f = RateActivation()
    f.sample(*samples(RATES, slope=1.0))
    f.fit()
    before = f.centres[3].clone()
    f._z, f._a = [], []  # the other half of the old samples, too, is gone
    f.sample(*samples(RATES, slope=1.0, offset=1.0))
    f.fit()
    assert f.centres[3, 0].item() == pytest.approx(before[0].item() + 0.1, abs=1e-3)


def test_a_fit_keeps_half_of_its_samples() -> None:
    f = RateActivation()
    f.sample(*samples(RATES, slope=1.0))
    f.fit()
    assert sum(map(len, f._z)) == sum(map(len, f._a)) == 1000


@pytest.mark.parametrize(
    ("rates", "z", "wanted"), [([0.0, 0.0], 0.4, 0.4), ([0.5, 0.5], 0.25, 0.25)]
)
def test_too_few_rates_give_a_line_through_the_origin(rates, z, wanted) -> None:
    f = RateActivation()
    f.sample(*samples(torch.tensor(rates), slope=1.0))
    f.fit()
    assert f(torch.tensor([z])).item() == pytest.approx(wanted)
    assert f(torch.tensor([-1.0, 9.0])).tolist() == pytest.approx([0.0, f.maximum])


def test_what_has_no_samples_is_refused() -> None:
    with pytest.raises(StateError, match="has no samples"):
        RateActivation().fit()
    with pytest.raises(StateError, match="is not fitted"):
        RateActivation()(torch.zeros(3))
