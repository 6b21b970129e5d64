"""SLAYER's words: a training loop, statistics, events and small functions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import bidl_sim.slayer as slayer
from bidl_sim.errors import DataError, ParameterError, ShapeError
from bidl_sim.slayer.utils import LearningStat, LearningStats

INPUT, LABEL = torch.rand(6, 4, 5), torch.tensor([0, 1, 0, 1, 1, 0])


class Net(torch.nn.Module):
    """A linear map in every step; tells how active it was, and a loss of its own, if asked."""

    def __init__(self, with_loss: bool = False, with_count: bool = False) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(4, 2)
        self.with_loss, self.with_count = with_loss, with_count

    def forward(self, x: torch.Tensor):
        out = self.linear(x.transpose(1, 2)).relu().transpose(1, 2)
        found = [out]
        if self.with_loss:
            found.append(self.linear.bias.pow(2).sum())
        if self.with_count:
            found.append(slayer.utils.event_rate(out))
        return tuple(found) if len(found) > 1 else out


def assistant(net: Net, **options) -> slayer.utils.Assistant:
    error = slayer.loss.SpikeRate(0.9, 0.1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.03)
    predict = slayer.classifier.Rate.predict
    return slayer.utils.Assistant(net, error, optimizer, classifier=predict, **options)


def test_an_assistant_trains_and_counts() -> None:
    torch.manual_seed(1)
    helper = assistant(Net())
    stats = helper.stats
    for _ in range(3):
        output = helper.train(INPUT, LABEL)
        assert not output.requires_grad
        right = (slayer.classifier.Rate.predict(output) == LABEL).float().mean()
        before = [p.clone() for p in helper.net.parameters()]
        helper.test(INPUT, LABEL)
        helper.valid(INPUT[:2], LABEL[:2])
        assert all(torch.equal(p, q) for p, q in zip(before, helper.net.parameters(), strict=True))
        assert stats.training.accuracy == pytest.approx(float(right))
        assert (stats.testing.num_samples, stats.validation.num_samples) == (6, 2)
        stats.update()
    assert stats.training.loss_log == sorted(stats.training.loss_log, reverse=True)
    assert stats.training.best_loss


def test_an_assistant_takes_a_loss_and_a_count_from_the_network() -> None:
    torch.manual_seed(1)
    net = Net(with_loss=True, with_count=True)
    helper = assistant(net, count_log=True, lam=100.0)
    bias = net.linear.bias.detach().clone()
    helper.error(net(INPUT)[0], LABEL).backward()
    alone = net.linear.bias.grad.clone()
    output, count = helper.train(INPUT, LABEL)
    assert count == slayer.utils.event_rate(output)
    torch.testing.assert_close(net.linear.bias.grad, alone + 100 * 2 * bias)
    plain = assistant(Net(with_count=True), count_log=True)
    assert len(plain.test(INPUT, LABEL)) == 2
    error = slayer.loss.SpikeRate(0.9, 0.1)(output, LABEL).item()  # the network's is not in it
    assert helper.stats.training.loss == pytest.approx(error)


def test_an_assistant_divides_the_learning_rate() -> None:
    helper = assistant(Net())
    helper.reduce_lr()
    assert helper.optimizer.param_groups[0]["lr"] == pytest.approx(0.009)


def test_predictions_in_every_step_count_as_shares() -> None:
    net = Net()
    helper = assistant(net)
    helper.classifier = lambda out: torch.tensor([[0, 0, 1, 1, 1]]).expand(6, 5)
    helper.test(INPUT, LABEL)
    assert helper.stats.testing.accuracy == pytest.approx((3 * 2 / 5 + 3 * 3 / 5) / 6)


def epochs(stats: LearningStats, *losses: float) -> LearningStats:
    for loss in losses:
        stats.training.num_samples += 4
        stats.training.loss_sum += 4 * loss
        stats.training.correct_samples += torch.tensor(3)
        stats.testing.num_samples += 2
        stats.testing.loss_sum += 2 * loss
        stats.update()
    return stats


def test_a_statistic_knows_its_best_epoch() -> None:
    stat = LearningStat()
    assert stat.loss is None
    assert stat.accuracy is None
    assert not stat.best_accuracy
    for correct, best in ((1, True), (1, False), (3, True)):
        stat.num_samples, stat.correct_samples = 4, correct
        assert stat.best_accuracy is best
        stat.update()
        assert stat.best_accuracy is best
    assert stat.accuracy_log == [0.25, 0.25, 0.75]
    stat.update()  # an epoch without samples is none
    assert stat.max_accuracy == 0.75
    assert len(stat.loss_log) == 3


def test_statistics_are_saved_and_loaded(tmp_path) -> None:
    stats = epochs(LearningStats(), 0.5, 0.25)
    stats.save(f"{tmp_path}/")
    lines = (tmp_path / "loss.txt").read_bytes().split(b"\r\n")
    assert (
        lines[0].split() == [b"#", b"Train", b"Valid", b"Test"] or lines[0].split()[-1] == b"Test"
    )
    assert [float(x) for x in lines[1].split()] == pytest.approx([0.5, np.nan, 0.5], nan_ok=True)
    again = LearningStats()
    again.load(f"{tmp_path}/")
    assert again.training.loss_log == stats.training.loss_log
    assert again.training.accuracy_log == [0.75, 0.75]
    assert again.validation.loss_log == []
    assert again.testing.min_loss == 0.25
    with pytest.raises(DataError, match="cannot be read"):
        again.load(f"{tmp_path}/nothing/")


def test_statistics_in_print(capsys) -> None:
    stats = epochs(LearningStats(accuracy_str="hits"), 0.5)
    stats.training.num_samples, stats.training.loss_sum = 2, 0.5
    stats.training.correct_samples = 1
    assert str(stats) == "Train loss = 0.25000 (min = 0.50000)  hits = 0.50000 (max = 0.75000)"
    stats.print(3, iter=1, header=["Event rate : 0.1"], dataloader=[0] * 8)
    stats.print(3, iter=2)
    stats.new_line()
    stats.print(4)
    printed = capsys.readouterr().out
    assert "[Epoch   3, 2/8]" in printed
    assert "Event rate : 0.1" in printed
    assert printed.count("\033[3A") == 1  # over the three lines before


def test_statistics_as_pictures(tmp_path) -> None:
    pytest.importorskip("matplotlib").use("agg")
    epochs(LearningStats(), 0.5, 0.4).plot(path=f"{tmp_path}/")
    assert {p.name for p in tmp_path.iterdir()} == {"loss.png", "accuracy.png"}


def test_event_rate_and_diagonal_mask() -> None:
    x = torch.tensor([[1.0, 0.0, -2.0, 1.0]])
    assert slayer.utils.event_rate(x) == pytest.approx(2 / 3)
    assert slayer.utils.event_rate(x[:, :1]) == 1
    band = slayer.utils.diagonal_mask(4, 3)
    assert torch.equal(band, band.T)
    assert band.sum() == 4 + 3 + 3
    assert torch.equal(slayer.utils.diagonal_mask(3, 1), torch.eye(3))
    assert torch.equal(
        slayer.utils.diagonal_mask(3, 2), torch.eye(3) + torch.eye(3)[[2, 0, 1]].tril()
    )


def test_shift_by_one_number_by_channel_and_by_neuron() -> None:
    x = torch.arange(1.0, 17.0).reshape(1, 2, 2, 4)
    shift = slayer.utils.time.shift
    assert shift(x, 1)[0, 0, 0].tolist() == [0, 1, 2, 3]
    assert shift(x, -1)[0, 0, 0].tolist() == [2, 3, 4, 0]
    assert shift(x, 9).abs().sum() == 0
    assert shift(x, 3.0, sampling_time=2)[0, 0, 0].tolist() == [0, 1, 2, 3]
    by_channel = shift(x, torch.tensor([0.9, 2.0]))
    assert torch.equal(by_channel[:, 0], x[:, 0])
    assert torch.equal(by_channel[:, 1], shift(x, 2)[:, 1])
    by_neuron = shift(x, torch.tensor([[0, 1], [2, 3]]))
    assert by_neuron[0, 1, 1].tolist() == [0, 0, 0, 13]
    with pytest.raises(ShapeError, match="one per channel or one per neuron"):
        shift(x, torch.ones(3))
    assert slayer.utils.time.replicate(x, 3).shape == (1, 2, 2, 4, 3)


def test_filters_of_a_bank_stand_side_by_side() -> None:
    bank = slayer.utils.filter.FIRBank(3, 5)
    x = torch.rand(2, 4, 9)
    y = bank(x)
    assert y.shape == (2, 12, 9)
    one = slayer.utils.filter.FIR(bank.weight[1].detach())
    torch.testing.assert_close(y[:, 4:8], one(x))
    y.sum().backward()
    assert bank.weight.grad.abs().sum() > 0
    given = slayer.utils.filter.conv(x, torch.tensor([1.0, 2.0]), sampling_time=0.5)
    torch.testing.assert_close(given[..., 1:], 0.5 * x[..., 1:] + x[..., :-1])
    back = slayer.utils.filter.corr(x, torch.tensor([1.0, 2.0]))
    torch.testing.assert_close(back[..., :-1], x[..., :-1] + 2 * x[..., 1:])


def test_confidence_in_every_mode() -> None:
    spike = torch.rand(2, 3, 4)
    rate = slayer.classifier.Rate.rate(spike)
    for mode, wanted in (("softmax", rate.softmax(1)), ("logsoftmax", rate.log_softmax(1))):
        assert torch.equal(slayer.classifier.Rate.confidence(spike, mode), wanted)
        window = slayer.classifier.MovingWindow(4, mode)
        torch.testing.assert_close(window.confidence(spike)[..., -1], wanted)
    assert torch.equal(slayer.classifier.Rate()(spike), rate.argmax(1))
    with pytest.raises(ParameterError, match="mode: must be one of"):
        slayer.classifier.MovingWindow(4, "odds")
    with pytest.raises(ParameterError, match="time_window: must be >= 1"):
        slayer.classifier.MovingWindow(0)


def test_gradients_pass_a_grid_but_not_its_ends() -> None:
    x = torch.tensor([0.3, 9.0, -9.0], requires_grad=True)
    slayer.utils.quantize_hook_fx(x).sum().backward()
    assert x.grad.tolist() == [1.0, 0.0, 0.0]
    with pytest.raises(ParameterError, match="quantize, mode"):
        slayer.utils.quantize(x, mode="up")


def test_a_delay_is_made_by_its_first_input_and_kept_in_range() -> None:
    module = slayer.axon.Delay(max_delay=3, grad_scale=2.0)
    optimizer = torch.optim.SGD(module.parameters(), lr=1.0)
    x = torch.rand(2, 4, 3, 8)
    assert torch.equal(module(x), x)  # drawn below one step
    assert module.delay.shape == (4,)
    module.delay.data += torch.tensor([-5.0, 0.0, 1.0, 9.0])
    y = module(x)
    assert torch.equal(y[:, 3], slayer.utils.time.shift(x, 3)[:, 3])
    y.square().sum().backward()
    once = slayer.axon.delay(x, module.delay.detach().requires_grad_(), grad_scale=1.0)
    assert torch.equal(once, y)
    optimizer.step()
    again = slayer.axon.Delay()
    again.load_state_dict(module.state_dict())
    assert torch.equal(again.delay, module.delay)
    assert torch.equal(slayer.axon.delay(x, 2), slayer.utils.time.shift(x, 2))


def test_the_gradient_of_a_delay_is_the_slope_of_what_was_sent() -> None:
    """Of a straight line of slope 1, it is -1 in every step but the first that arrives."""
    x = torch.arange(10.0).reshape(1, 1, 10)
    late = torch.tensor([2.0], requires_grad=True)
    y = slayer.axon.delay(x, late)
    y[..., 4:].sum().backward()
    assert late.grad.item() == -6


def test_events_survive_bins() -> None:
    values = torch.zeros(2, 3, 4, 6)
    values[1, 2, 3, 5] = values[0, 0, 1, 2] = 1.0
    event = slayer.io.tensor_to_event(values)
    assert (event.dim, event.graded) == (2, False)
    assert torch.equal(torch.tensor(event.to_tensor(dim=(2, 3, 4, 6))).float(), values)
    assert event.to_tensor().shape == (2, 3, 4, 6)
    values[0, 0, 1, 2] = 0.25
    graded = slayer.io.tensor_to_event(values.numpy(), sampling_time=2)
    assert graded.graded
    np.testing.assert_array_equal(graded.to_tensor(2), values)
    line = slayer.io.tensor_to_event(values[:, :1])
    assert (line.dim, line.to_tensor().shape) == (1, (1, 1, 2, 3))


def test_events_outside_of_the_bins_are_left_out_and_ties_go_to_even() -> None:
    event = slayer.io.Event([0, 0, 0, 7], None, [0, 0, 0, 0], [0.5, 1.5, 99.0, 1.0])
    assert np.nonzero(event.fill_tensor(np.zeros((1, 1, 1, 4))))[3].tolist() == [0, 2]


def test_a_random_shift_keeps_all_events() -> None:
    event = slayer.io.Event([0, 1], None, [0, 0], [1.0, 4.0])
    torch.manual_seed(0)
    found = set()
    for _ in range(30):
        bins = np.nonzero(event.fill_tensor(np.zeros((1, 1, 2, 8)), random_shift=True))[3]
        assert bins[1] - bins[0] == 3
        found.add(int(bins[0]))
    assert found == {1, 2, 3, 4}


def test_large_places_are_written_right(tmp_path) -> None:
    event = slayer.io.Event([300, 65535, 0], None, [1, 0, 1], [0.0, 8388.607, 1.0])
    slayer.io.encode_1d_spikes(tmp_path / "a.bs1", event)
    found = slayer.io.read_1d_spikes(tmp_path / "a.bs1")
    assert found.x.tolist() == [300, 65535, 0]
    assert found.c.tolist() == [1, 0, 1]
    assert found.t.tolist() == [0.0, 8388.607, 1.0]


def test_times_in_numpy_files_have_a_unit(tmp_path) -> None:
    event = slayer.io.Event([3], None, [1], [2.0])
    slayer.io.encode_np_spikes(tmp_path / "a.npy", event, time_unit=1e-6)
    assert np.load(tmp_path / "a.npy").tolist() == [[3.0, 1.0, 2000.0]]
    found = slayer.io.read_np_spikes(tmp_path / "a.npy", time_unit=1e-6)
    assert (found.t.tolist(), found.dim) == ([2.0], 1)


def test_times_in_numpy_files_fall_into_the_bins_of_lava_dl(tmp_path) -> None:
    """Which multiplies by the unit first, and so gets a little more than 758.5."""
    np.save(tmp_path / "a.npy", [[22.0, 0.0, 758.5]])
    found = slayer.io.read_np_spikes(tmp_path / "a.npy").to_tensor()
    assert np.argwhere(found).tolist() == [[0, 0, 22, 759]]


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda io, f: io.encode_2d_spikes(f, io.Event([256], [0], [0], [0.0])), "x from 0 to 255"),
        (lambda io, f: io.encode_2d_spikes(f, io.Event([0], [0], [2], [0.0])), "channel from 0"),
        (lambda io, f: io.encode_1d_spikes(f, io.Event([0], None, [0], [9e6])), "t in micro"),
        (lambda io, f: io.encode_1d_spikes(f, io.Event([0], [0], [0], [0.0])), "1-D events"),
        (lambda io, f: io.encode_1d_spikes(f, io.Event([0], None, [0], [0], [2])), "sizes"),
        (lambda io, f: io.Event([0.5], None, [0], [0.0]), "whole numbers"),
        (lambda io, f: io.Event([0], None, [0, 1], [0.0]), r"shape \(1,\) as x"),
        (lambda io, f: io.read_2d_spikes(f), "5 bytes an event"),
        (lambda io, f: io.read_np_spikes(f), "cannot be read"),
        (lambda io, f: io.read_np_spikes(f, fmt="txyp"), "must be 'xypt'"),
        (lambda io, f: io.tensor_to_event(np.zeros((2, 2))), "channel, y, x, time"),
    ],
)
def test_events_that_cannot_be_are_refused(tmp_path, act, message) -> None:
    file = tmp_path / "a.bs2"
    file.write_bytes(b"1234567")
    with pytest.raises((DataError, ParameterError, ShapeError), match=message):
        act(slayer.io, file)
    assert file.read_bytes() == b"1234567"
