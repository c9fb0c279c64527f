"""Settings that suit images of a given size and a given amount of compute."""

from __future__ import annotations

from dataclasses import replace

from ssmae.config.choices import Preset
from ssmae.config.sections import LossConfig, ModelConfig, RoundConfig, ScheduleConfig
from ssmae.errors import InvalidConfig


def geometry(median_side: int, preset: Preset = Preset.STANDARD) -> tuple[int, int]:
    """Training resolution and patch size that suit images of a given size.

    Small images are trained at their own size, with small patches: bringing 32-pixel images to 224 costs 50 times
    the compute and adds no information. Large ones are reduced, further for a quick preset.

    Args:
        median_side: median of the longer side, in pixels.
        preset: how much compute may be spent.

    Returns:
        (image_size, patch_size): about 16 to 64 patches for quick and standard, up to 196 for thorough.

    Raises:
        InvalidConfig: the side is not positive.
    """
    if median_side < 1:
        raise InvalidConfig("median_side", "at least 1 pixel", median_side)
    for largest, image_size, patch_size in ((12, 8, 2), (20, 16, 4), (30, 28, 7), (48, 32, 4)):
        if median_side <= largest:
            return image_size, patch_size
    return {Preset.QUICK: (64, 16), Preset.STANDARD: (64, 8), Preset.THOROUGH: (224, 16)}[
        preset if median_side > 96 or preset is not Preset.THOROUGH else Preset.STANDARD
    ]


def preset_config(preset: Preset, median_side: int) -> RoundConfig:
    """The settings behind a preset, for images of a given size."""
    image_size, patch_size = geometry(median_side, preset)
    model, schedule = _PRESETS[preset]
    # Three quarters hidden leaves only four of 16 patches, too few to guess the others from: measured on digits.
    few_patches = (image_size // patch_size) ** 2 <= 25
    return RoundConfig(
        model=replace(model, image_size=image_size, patch_size=patch_size),
        loss=LossConfig(mask_ratio=0.5) if few_patches else LossConfig(),
        schedule=schedule,
        # So small a network is slower on two threads (86 s a round of digits) than on one (71 s): they wait too much.
        threads=1 if preset is Preset.QUICK else 0,
    )


_PRESETS: dict[Preset, tuple[ModelConfig, ScheduleConfig]] = {
    Preset.QUICK: (ModelConfig(embed_dim=64, depth=3, heads=4), ScheduleConfig()),
    Preset.STANDARD: (
        ModelConfig(embed_dim=192, depth=6, heads=3, decoder_dim=96),
        ScheduleConfig(
            reconstruct_steps=2000,
            resume_reconstruct_steps=400,
            labels_steps=600,
            joint_steps=2000,
            reconstruct_batch=128,
            unlabelled_batch=128,
            labelled_batch=64,
            learning_rate=1e-3,
        ),
    ),
    Preset.THOROUGH: (
        ModelConfig(drop_path=0.1, decoder_dim=128, decoder_depth=2),
        ScheduleConfig(
            reconstruct_steps=10000,
            resume_reconstruct_steps=2000,
            labels_steps=2000,
            joint_steps=10000,
            reconstruct_batch=448,
            unlabelled_batch=448,
            labelled_batch=64,
            learning_rate=1e-3,
            teacher_decay=0.999,
        ),
    ),
}
