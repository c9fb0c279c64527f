"""Networks by name, so that speeds can be compared between machines and implementations. Standard library only."""

from __future__ import annotations

from enum import StrEnum

from ssmae.config.choices import Preset
from ssmae.config.presets import preset_config
from ssmae.config.sections import ModelConfig


class Size(StrEnum):
    """A network and the side of its images, in pixels."""

    QUICK28 = "quick28"
    TINY32 = "tiny32"
    SMALL32 = "small32"
    BASE224 = "base224"


def size_config(size: Size) -> ModelConfig:
    """The network behind a name.

    `quick28` is what the quick preset trains on images of 28 pixels. `tiny32` and `small32` suit CIFAR: 64 patches,
    and a decoder that stays small (SSAT, 2310.20704). `base224` is the ViT-B/16 of MAE, 2111.06377, with that paper's
    decoder: 8 blocks of width 512 (table 1) and 16 heads.
    """
    return _SIZES[size]


_SIZES: dict[Size, ModelConfig] = {
    Size.QUICK28: preset_config(Preset.QUICK, 28).model,
    Size.TINY32: ModelConfig(image_size=32, patch_size=4),
    Size.SMALL32: ModelConfig(
        image_size=32, patch_size=4, embed_dim=256, depth=9, heads=4, decoder_dim=128, decoder_depth=2, decoder_heads=4
    ),
    Size.BASE224: ModelConfig(
        encoder="vit_base_patch16_224",
        image_size=224,
        patch_size=16,
        decoder_dim=512,
        decoder_depth=8,
        decoder_heads=16,
    ),
}
