"""What the learner is held against: masked autoencoding as one would write it on the first day.

The network's own modules, driven by hand in the manner of MAE's public code (facebookresearch/mae: `models_mae.py`,
`engine_pretrain.py`): patches shuffled by sorting noise, what is visible gathered, a loss on what is not. PyTorch's
AdamW as it comes. No teacher, no augmentation, no clipping, no check of the numbers, nothing recorded: whatever the
learner does beyond this, it does in the same time or is found out. Must never import learner.

Dimensions: N images, B images of a batch, L patches, V visible patches, D encoder width, E decoder width, P pixel
values of a patch.
"""

from __future__ import annotations

import torch
from torch import nn

from ssmae.config import Precision
from ssmae.device import mixed_precision
from ssmae.model import SSMAE


class PlainMAE(nn.Module):
    """The masked autoencoder inside an SSMAE; its weights are the SSMAE's own."""

    def __init__(self, model: SSMAE, mask_ratio: float) -> None:
        super().__init__()
        self.encoder, self.decoder = model.encoder, model.decoder
        self.patch_size, self.mask_ratio = model.config.patch_size, mask_ratio

    def forward(self, images_BCHW: torch.Tensor) -> torch.Tensor:
        """Mean squared error on the masked patches, relative to each patch's mean and spread; a scalar.

        Args:
            images_BCHW: floats in [0, 1].

        Source: MAE, 2111.06377, section 3.
        """
        visible_BVD, ids_restore_BL, is_masked_BL = self.mask(self.tokens(images_BCHW))
        predicted_BLP = self.decode(self.encoder.norm(self.encoder.blocks(visible_BVD)), ids_restore_BL)
        target_BLP = self.patches(images_BCHW)
        mean = target_BLP.mean(dim=-1, keepdim=True)
        variance = target_BLP.var(dim=-1, keepdim=True, correction=0)
        target_BLP = (target_BLP - mean) / (variance + 1e-6).sqrt()
        error_BL = ((predicted_BLP - target_BLP) ** 2).mean(dim=-1)
        return (error_BL * is_masked_BL).sum() / is_masked_BL.sum()

    def tokens(self, images_BCHW: torch.Tensor) -> torch.Tensor:
        """All patches embedded and placed, shape (B, L, D)."""
        tokens_BLD: torch.Tensor = self.encoder.patch_embed((images_BCHW - 0.5) / 0.5) + self.encoder.pos_embed
        return tokens_BLD

    def mask(self, tokens_BLD: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Shuffle by sorting noise and keep the first: (visible_BVD, ids_restore_BL, is_masked_BL as 0 or 1)."""
        batch, patches, width = tokens_BLD.shape
        keep = round(patches * (1 - self.mask_ratio))
        noise_BL = torch.rand(batch, patches, device=tokens_BLD.device)
        ids_shuffle_BL = torch.argsort(noise_BL, dim=1)
        ids_restore_BL = torch.argsort(ids_shuffle_BL, dim=1)
        ids_keep_BV = ids_shuffle_BL[:, :keep]
        visible_BVD = torch.gather(tokens_BLD, 1, ids_keep_BV[:, :, None].expand(-1, -1, width))
        is_masked_BL = torch.ones(batch, patches, device=tokens_BLD.device)
        is_masked_BL[:, :keep] = 0
        return visible_BVD, ids_restore_BL, torch.gather(is_masked_BL, 1, ids_restore_BL)

    def decode(self, tokens_BVD: torch.Tensor, ids_restore_BL: torch.Tensor) -> torch.Tensor:
        """The mask token in every hidden place, then the decoder's blocks; shape (B, L, P)."""
        decoder = self.decoder
        visible_BVE = decoder.embed(decoder.norm_in(tokens_BVD))
        batch, visible, width = visible_BVE.shape
        hidden_BHE = decoder.mask_token.expand(batch, ids_restore_BL.shape[1] - visible, -1).to(visible_BVE.dtype)
        shuffled_BLE = torch.cat([visible_BVE, hidden_BHE], dim=1)
        placed_BLE = torch.gather(shuffled_BLE, 1, ids_restore_BL[:, :, None].expand(-1, -1, width))
        decoded_BLE = decoder.blocks(placed_BLE + decoder.position_1LE)
        predicted_BLP: torch.Tensor = decoder.predict(decoder.norm_out(decoded_BLE))
        return predicted_BLP

    def patches(self, images_BCHW: torch.Tensor) -> torch.Tensor:
        """The images cut up, shape (B, L, P)."""
        batch, channels, side, _ = images_BCHW.shape
        patch, grid = self.patch_size, side // self.patch_size
        cut = images_BCHW.reshape(batch, channels, grid, patch, grid, patch)
        return torch.einsum("bchpwq->bhwpqc", cut).reshape(batch, grid * grid, patch * patch * channels)


class PlainLoop:
    """The loop around it.

    Args:
        model: the network, on a device.
        images_NCHW: uint8, on the same device.
        mask_ratio: share of patches hidden.
        batch: images a step, drawn with replacement.
        learning_rate: of AdamW.
        precision: of matrix products.
        compiled: whether through `torch.compile`.
    """

    def __init__(
        self,
        model: SSMAE,
        images_NCHW: torch.Tensor,
        *,
        mask_ratio: float,
        batch: int,
        learning_rate: float,
        precision: Precision,
        compiled: bool,
    ) -> None:
        mae = PlainMAE(model.train(), mask_ratio)
        self._optimiser = torch.optim.AdamW(mae.parameters(), learning_rate, betas=(0.9, 0.95), weight_decay=0.05)
        self._mae = torch.compile(mae, dynamic=False) if compiled else mae
        self._images_NCHW, self._batch, self._precision = images_NCHW, batch, precision

    def step(self) -> torch.Tensor:
        """One step; its loss, a scalar on the device."""
        images_NCHW = self._images_NCHW
        indices_B = torch.randint(len(images_NCHW), (self._batch,), device=images_NCHW.device)
        images_BCHW = images_NCHW[indices_B].float() / 255
        with mixed_precision(images_NCHW.device, self._precision):
            loss: torch.Tensor = self._mae(images_BCHW)
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        return loss.detach()
