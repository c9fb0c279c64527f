"""`python -m ssmae bench`: what it holds the learner against is the same network, and what it counts is right."""

from __future__ import annotations

import json
import math

import pytest
import torch

from ssmae.__main__ import main
from ssmae.bench.memory import PeakMemory
from ssmae.bench.operations import operations
from ssmae.bench.plain import PlainLoop, PlainMAE
from ssmae.bench.timing import Block, Ratio, Timing, Workload, run, take_turns
from ssmae.bench.workloads import refusing_too_large
from ssmae.config import Masking, Precision, Size, size_config
from ssmae.errors import InvalidConfig, NonFiniteLoss
from ssmae.losses import reconstruction_loss
from ssmae.masking import draw_mask
from ssmae.model import SSMAE, build

CPU = torch.device("cpu")


@pytest.fixture
def model(tiny_config):
    return build(tiny_config.model, ("a", "b"), seed=0)


def test_plain_mae__has_the_learners_loss_on_the_same_masks(model, digits):
    images = torch.from_numpy(digits[0][:16]).float() / 255
    mask = draw_mask(Masking.RANDOM, 16, model.side, 0.75, torch.Generator().manual_seed(5))
    ours = reconstruction_loss(
        model.reconstruct(images, mask), images, mask.is_masked, patch_size=model.config.patch_size, normalise=True
    )
    torch.manual_seed(5)
    torch.testing.assert_close(PlainMAE(model, 0.75)(images), ours)


def test_plain_loop__learns_to_reconstruct(model, digits):
    loop = PlainLoop(
        model,
        torch.from_numpy(digits[0][:200]),
        mask_ratio=0.5,
        batch=32,
        learning_rate=3e-3,
        precision=Precision.AUTO,
        compiled=False,
    )
    losses = [float(loop.step()) for _ in range(40)]
    assert sum(losses[-10:]) < 0.9 * sum(losses[:10])


def test_take_turns__alternates_blocks_of_as_many_steps():
    order: list[str] = []

    def workload(name):
        def step():
            order.append(name)
            return torch.zeros(())

        return Workload(name, 5, step)

    first, second = take_turns([workload("a"), workload("b")], 0.001, CPU)
    assert first.images_a_block == second.images_a_block
    assert len(first.blocks) == len(second.blocks)
    steps, blocks = first.images_a_block // 5, len(first.blocks)
    assert order[-2 * steps * blocks :] == (["a"] * steps + ["b"] * steps) * blocks


def test_ratio__is_the_median_over_pairs_of_neighbours():
    """A machine that was slow for one pair of blocks does not count against either."""
    ours = Timing(10, (Block(1.0, 1.0), Block(8.0, 1.0), Block(1.0, 1.0)))
    other = Timing(10, (Block(2.0, 3.0), Block(16.0, 3.0), Block(1.0, 3.0)))
    ratio = Ratio.of(ours, other)
    assert (ratio.by_clock, ratio.quartiles, ratio.by_processor) == (2.0, (1.0, 2.0), 3.0)
    assert ours.images_per_second == 10.0


def test_run__refuses_to_time_what_is_no_training():
    with pytest.raises(NonFiniteLoss, match="joint step"):
        run(Workload("joint step", 1, lambda: torch.tensor(math.nan)), 3, CPU)


def test_peak_memory__sees_what_was_freed_again_and_not_what_was_there_before():
    earlier = torch.ones(256 << 20, dtype=torch.uint8)
    with PeakMemory(CPU) as memory:
        torch.ones(64 << 20, dtype=torch.uint8)
    assert memory.peak_bytes is not None
    assert 60 << 20 < memory.peak_bytes < 128 << 20
    assert earlier.all()


def test_operations__agree_with_a_count_by_hand(model):
    """8 pixels in patches of 2: 16 tokens of width 32, two blocks, two classes."""
    tokens, width = 16, 32
    block = 2 * tokens * width * (3 * width + width + 8 * width) + 4 * tokens**2 * width
    forward = 2 * tokens * 12 * width + 2 * block + 2 * width * 2
    counted = operations(model, 0.75)
    assert counted.classify == forward
    # Backward is twice the forward, less the gradient of the images, which nobody needs.
    assert counted.classify_trained == 3 * forward - 2 * tokens * 12 * width
    assert counted.reconstruct_trained < counted.classify_trained
    assert counted.joint(unlabelled=0, labelled=7) == counted.classify_trained


@pytest.mark.parametrize(
    ("size", "millions"),
    [(Size.QUICK28, 0.225), (Size.TINY32, 5.4), (Size.SMALL32, 7.6), (Size.BASE224, 111.6)],
)
def test_size_config__is_the_network_that_its_name_promises(size, millions):
    with torch.device("meta"):
        model = SSMAE(size_config(size), ("a", "b"))
    assert sum(weight.numel() for weight in model.parameters()) / 1e6 == pytest.approx(millions, rel=0.02)
    assert str(model.config.image_size) in size


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--batch", "0"], "--batch must be 1 to 65536 images. Got 0."),
        (["--labelled-batch", "-3"], "--labelled-batch must be 1 to 65536 images. Got -3."),
        (["--seconds", "nan"], "--seconds must be more than 0"),
        (["--threads", "-1"], "--threads must be at least 0"),
        (["--compile"], "--compile must be left out on a CPU"),
        (["--device", "tpu"], "must be auto, cpu or cuda. Got 'tpu'."),
    ],
)
def test_bench__refuses_options_that_make_no_sense(options, said, capsys):
    assert main(["bench", "--device", "cpu", *options]) == 2
    assert said in capsys.readouterr().err


def test_bench__says_which_option_to_lower_when_memory_is_not_enough():
    with pytest.raises(InvalidConfig, match=r"--batch must be smaller.* Got 512\."), refusing_too_large(512, CPU):
        torch.empty(2**62, dtype=torch.uint8)
    with pytest.raises(RuntimeError, match="size of tensor"), refusing_too_large(512, CPU):
        torch.ones(2) + torch.ones(3)


@pytest.mark.slow
def test_bench__writes_every_figure_that_it_prints(tmp_path, capsys):
    out = tmp_path / "bench.json"
    options = ["--device", "cpu", "--threads", "1", "--batch", "8", "--labelled-batch", "4", "--seconds", "0.3"]
    assert main(["bench", "--size", "quick28", *options, "--json", str(out)]) == 0
    printed = capsys.readouterr().out
    figures = json.loads(out.read_text())
    assert figures["machine"]["threads"] == 1
    assert set(figures["machine"]["versions"]) == {"python", "torch", "timm", "numpy"}
    (report,) = figures["sizes"].values()
    assert (report["config"]["schedule"]["unlabelled_batch"], report["config"]["loss"]["mask_ratio"]) == (8, 0.75)
    for name in ("pretraining", "plain", "joint", "inference"):
        measured = report[name]
        assert measured["images_per_second"] > 0
        assert measured["operations"] > 0
        assert measured["peak_bytes"] > 0
        assert all(block["seconds"] > 0 for block in measured["timing"]["blocks"])
    assert report["pretraining"]["timing"]["images_a_block"] % 8 == 0
    assert report["joint"]["timing"]["images_a_block"] % 12 == 0
    assert math.isfinite(report["ratio"]["by_clock"])
    assert math.isfinite(report["ratio"]["by_processor"])
    for row in ("pre-training step", "plain loop", "joint step", "inference", "times as fast"):
        assert row in printed
