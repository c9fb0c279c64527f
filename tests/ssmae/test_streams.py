"""Batches never end, never shrink, show every image once an epoch, and carry on where they were left."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest
import torch

from ssmae import images as images_module
from ssmae.errors import InvalidData
from ssmae.images import DeviceImages, ImageStore
from ssmae.streams import READ_AHEAD, Batches, IndexStream
from tests.ssmae.conftest import mapped

CPU = torch.device("cpu")


def stream_of(indices, batch, seed=1):
    return IndexStream(np.asarray(indices, dtype=np.int64), batch, torch.Generator().manual_seed(seed))


@pytest.fixture(params=["on the device", "read ahead"])
def bound(request, tmp_path, monkeypatch, digits):
    """The first 50 digits bound to the CPU: as a tensor, and as a set that is too large for the device."""
    store = ImageStore(digits[0][:50])
    if request.param == "on the device":
        return store.on(CPU)
    monkeypatch.setattr(images_module, "ON_DEVICE_BYTES", store.images_NCHW.nbytes - 1)
    return mapped(store, tmp_path).on(CPU)


def draw(source, count):
    return [index for _ in range(count) for index in source.next().tolist()]


def test_index_stream__shows_every_image_once_an_epoch():
    drawn = draw(stream_of(np.arange(10) * 3, 4), 5)
    assert sorted(drawn[:10]) == sorted(drawn[10:]) == list(range(0, 30, 3))
    assert drawn[:10] != drawn[10:]


def test_index_stream__repeats_a_small_set_within_a_batch():
    assert sorted(stream_of([5, 7], 6).next().tolist()) == [5, 5, 5, 7, 7, 7]


@pytest.mark.parametrize("before", [0, 1, 2, 3, 5])  # 5 batches of 4 are two epochs of 10, to the last index
def test_index_stream__carries_on_from_its_state_with_the_same_batches(before):
    stream = stream_of(range(10), 4)
    draw(stream, before)
    state = {name: value.clone() for name, value in stream.state().items()}
    expected = draw(stream, 7)
    other = stream_of(range(10), 4, seed=99)
    draw(other, 3)
    other.restore(state)
    assert draw(other, 7) == expected


@pytest.mark.parametrize(("indices", "batch", "words"), [([], 4, "at least one index"), ([1], 0, "at least one image")])
def test_index_stream__refuses_to_draw_from_nothing(indices, batch, words):
    with pytest.raises(InvalidData, match=words):
        stream_of(indices, batch)


def test_index_stream__refuses_the_state_of_a_longer_stream():
    longer = stream_of(range(10), 9)
    longer.next()
    with pytest.raises(InvalidData, match="a stream of 5 indices"):
        stream_of(range(5), 9).restore(longer.state())


def test_batches__give_the_pixels_of_the_indices_of_the_stream(bound, digits):
    expected = stream_of(range(50), 8)
    with closing(Batches(bound, stream_of(range(50), 8))) as batches:
        for _ in range(20):
            indices_B, images_BCHW = batches.next()
            assert torch.equal(indices_B, expected.next())
            assert np.array_equal(images_BCHW.numpy(), digits[0][indices_B.numpy()])


def test_batches__carry_on_after_the_last_batch_handed_out_whatever_was_read_ahead(bound):
    with closing(Batches(bound, stream_of(range(50), 8))) as batches:
        [batches.next() for _ in range(5)]
        state = {name: value.clone() for name, value in batches.state().items()}
        expected = torch.cat([batches.next()[0] for _ in range(9)])
    with closing(Batches(bound, stream_of(range(50), 8, seed=99))) as others:
        others.next()
        others.restore(state)
        assert torch.equal(torch.cat([others.next()[0] for _ in range(9)]), expected)


def test_batches__leave_the_generator_where_the_last_batch_did_when_they_close(bound):
    generator = torch.Generator().manual_seed(1)
    with closing(Batches(bound, IndexStream(np.arange(50), 8, generator))) as batches:
        [batches.next() for _ in range(6)]  # reading ahead crosses into the second epoch
    alone = torch.Generator().manual_seed(1)
    draw(IndexStream(np.arange(50), 8, alone), 6)
    assert torch.equal(generator.get_state(), alone.get_state())


class Unplugged(DeviceImages):
    """Images that travel in batches from a disk that cannot be read once, at the fifth time."""

    reads = 0

    def read(self, indices_B):
        Unplugged.reads += 1
        if Unplugged.reads == 5:
            raise OSError("the disk is gone")
        return super().read(indices_B)


@pytest.fixture
def unplugged(digits, monkeypatch):
    monkeypatch.setattr(Unplugged, "reads", 0)
    return Unplugged(digits[0][:50], None, CPU)


def test_batches__say_what_stopped_the_reading_and_try_that_batch_again(unplugged):
    expected = draw(stream_of(range(50), 8), 6)
    with closing(Batches(unplugged, stream_of(range(50), 8))) as batches:
        seen = [batches.next()[0] for _ in range(4)]
        with pytest.raises(OSError, match="the disk is gone"):
            batches.next()
        seen += [batches.next()[0] for _ in range(2)]
    assert torch.cat(seen).tolist() == expected


def test_batches__read_ahead_no_more_than_they_say(unplugged):
    with closing(Batches(unplugged, stream_of(range(50), 8))) as batches:
        batches.next()
        for ahead in batches._ahead:
            ahead.result()
    assert Unplugged.reads == READ_AHEAD


def test_batches__refuse_an_index_without_an_image(bound):
    with pytest.raises(InvalidData, match=r"below 50.*Got 50"):
        Batches(bound, stream_of([3, 50], 2))


def test_take__gives_any_images_in_any_order(bound, digits):
    assert np.array_equal(bound.take(torch.tensor([3, 49, 3])).numpy(), digits[0][[3, 49, 3]])
