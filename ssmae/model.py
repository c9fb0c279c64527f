"""The network: a timm vision transformer as encoder and classifier, and a light MAE decoder.

One method per meaning, no mode strings. The encoder is timm's own class with timm's own parameter names, so that our
weights load in timm, and timm's here (`checkpoint.load_encoder_state`). It has no class token; the classifier reads the
mean of all tokens (`global_pool="avg"` with `fc_norm`), which is also what makes timm's final `norm` an identity, hence
the decoder's own input norm. Position: timm's learnt embedding, initialised with the fixed 2-D sine-cosine table
(better than noise for small data); the decoder's is that fixed table. Images come in as floats in [0, 1] and are
normalised here and nowhere else. Must never import trainer, data or augment.

Dimensions: B images, L patches, V visible patches, H hidden ones, K of them in some order, N = B * K, D encoder width,
E decoder width, P pixel values of a patch, C classes; in BCHW C channels, H and W side in pixels; in the table of
positions S patches per side, H half of its width, Q a quarter.
"""

from __future__ import annotations

from typing import Any

import timm
import torch
from timm.models.vision_transformer import Block, VisionTransformer
from torch import nn

from ssmae.config import ModelConfig
from ssmae.errors import InvalidConfig
from ssmae.masking import Mask

PIXEL_MEAN = 0.5
PIXEL_STD = 0.5


class Decoder(nn.Module):
    """Fills the masked places with one learnt token and predicts every patch. Source: MAE, 2111.06377, section 3."""

    position_1LE: torch.Tensor

    def __init__(self, config: ModelConfig, encoder_dim: int) -> None:
        super().__init__()
        side, dim = config.image_size // config.patch_size, config.decoder_dim
        self.norm_in = nn.LayerNorm(encoder_dim)
        self.embed = nn.Linear(encoder_dim, dim)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.blocks = nn.Sequential(*(Block(dim, config.decoder_heads) for _ in range(config.decoder_depth)))
        self.norm_out = nn.LayerNorm(dim)
        self.predict = nn.Linear(dim, config.patch_size**2 * 3)
        self.register_buffer("position_1LE", sine_cosine_table(dim, side), persistent=False)
        nn.init.normal_(self.mask_token, std=0.02)

    def forward(self, tokens_BVD: torch.Tensor, mask: Mask) -> torch.Tensor:
        """Predict all patches from the visible tokens; shape (B, L, P).

        Source: MAE, 2111.06377, section 3 (decoder).
        """
        visible_BVE = self.embed(self.norm_in(tokens_BVD))
        batch, patches = mask.ids_restore.shape
        hidden_BHE = self.mask_token.to(visible_BVE.dtype).expand(batch, patches - visible_BVE.shape[1], -1)
        sequence_BLE = torch.cat([visible_BVE, hidden_BHE], dim=1)
        placed_BLE = take_tokens(sequence_BLE, mask.ids_restore) + self.position_1LE
        predicted_BLP: torch.Tensor = self.predict(self.norm_out(self.blocks(placed_BLE)))
        return predicted_BLP


class SSMAE(nn.Module):
    """Encoder with classification head, and decoder.

    Attributes:
        config: the shape of the network.
        class_names: one per output of the head, in order.
    """

    def __init__(self, config: ModelConfig, class_names: tuple[str, ...]) -> None:
        """Build with fresh weights, drawn from torch's global generator because timm offers no other: see `build`.

        Raises:
            InvalidConfig: the named encoder is unknown to timm or is not a plain vision transformer.
        """
        super().__init__()
        self.config, self.class_names = config, class_names
        self.encoder = _build_encoder(config, len(class_names))
        self.decoder = Decoder(config, self.encoder.embed_dim)
        position, classifier = self.encoder.pos_embed, self.encoder.head
        assert position is not None  # both were checked by _build_encoder
        assert isinstance(classifier, nn.Linear)
        self.apply(_initialise)
        with torch.no_grad():
            position.copy_(sine_cosine_table(self.encoder.embed_dim, self.side))
            # An untrained head must not have opinions: zero weights give every class the same probability.
            classifier.weight.zero_()
            classifier.bias.zero_()

    @property
    def side(self) -> int:
        """Patches per side."""
        return self.config.image_size // self.config.patch_size

    def encode_visible(self, images_BCHW: torch.Tensor, mask: Mask) -> torch.Tensor:
        """Tokens of the visible patches only, shape (B, V, D); the encoder never sees the others.

        Source: MAE, 2111.06377, section 3 (encoder).
        """
        tokens_BLD = self.encoder.patch_embed(normalise(images_BCHW)) + self.encoder.pos_embed
        tokens_BVD = self.encoder.norm_pre(take_tokens(tokens_BLD, mask.ids_keep))
        encoded_BVD: torch.Tensor = self.encoder.norm(self.encoder.blocks(tokens_BVD))
        return encoded_BVD

    def reconstruct(self, images_BCHW: torch.Tensor, mask: Mask) -> torch.Tensor:
        """Predicted patches from the visible ones, shape (B, L, P), in the units of the loss's target.

        Source: MAE, 2111.06377, section 3.
        """
        predicted_BLP: torch.Tensor = self.decoder(self.encode_visible(images_BCHW, mask), mask)
        return predicted_BLP

    def embed(self, images_BCHW: torch.Tensor) -> torch.Tensor:
        """One embedding per image, shape (B, D): the normalised mean of all tokens, which the head reads.

        Source: MAE, 2111.06377, appendix A.1 (average pooling in place of a class token).
        """
        features_BLD = self.encoder.forward_features(normalise(images_BCHW))
        embeddings_BD: torch.Tensor = self.encoder.forward_head(features_BLD, pre_logits=True)
        return embeddings_BD

    def classify(self, images_BCHW: torch.Tensor) -> torch.Tensor:
        """Logits, one per class; shape (B, C).

        Source: SSMAE, 2601.20072: the encoder that reconstructs is the one that classifies.
        """
        return self.head(self.embed(images_BCHW))

    def head(self, embeddings_BD: torch.Tensor) -> torch.Tensor:
        """Logits from embeddings of shape (B, D); shape (B, C).

        Source: ViT, 2010.11929, section 3.1 (a single linear layer).
        """
        logits_BC: torch.Tensor = self.encoder.head(embeddings_BD)
        return logits_BC


def build(config: ModelConfig, class_names: tuple[str, ...], *, seed: int) -> SSMAE:
    """A fresh model whose weights depend on the seed alone; torch's global generator is left as it was.

    Source: own; a round is to depend on its arguments alone, not on what was drawn before it.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # of the CPU alone: `torch.manual_seed` would seed every GPU as well
        return SSMAE(config, class_names)


def _initialise(module: nn.Module) -> None:
    """Xavier for every matrix. timm's own 0.02 suits width 768; in a narrow network it makes learning slow to start.

    Source: MAE, 2111.06377, appendix A.1 (xavier_uniform); the patch projection as a matrix, as in its code.
    """
    if isinstance(module, nn.Linear | nn.Conv2d):
        nn.init.xavier_uniform_(module.weight.view(module.weight.shape[0], -1))
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def take_tokens(tokens_BLD: torch.Tensor, ids_BK: torch.Tensor) -> torch.Tensor:
    """Some tokens of each image, in the order given; shape (B, K, D).

    Whole rows are copied: four times as fast, forward and backward, as `gather`, which copies number by number.

    Args:
        tokens_BLD: all tokens.
        ids_BK: int64, which of each image's L tokens.

    Source: MAE, 2111.06377, section 3 "Simple implementation" (the visible part of a list of tokens, and its order
    undone).
    """
    batch, length = tokens_BLD.shape[:2]
    first_B1 = torch.arange(0, batch * length, length, device=ids_BK.device)[:, None]
    rows_N = (ids_BK + first_B1).flatten()
    return tokens_BLD.flatten(0, 1).index_select(0, rows_N).view(*ids_BK.shape, -1)


def normalise(images_BCHW: torch.Tensor) -> torch.Tensor:
    """[0, 1] to [-1, 1], of the same shape: the only place where pixels are normalised.

    Source: own; pixels that are normalised in one place cannot be normalised twice.
    """
    return (images_BCHW - PIXEL_MEAN) / PIXEL_STD


def timm_arguments(config: ModelConfig, classes: int) -> dict[str, Any]:
    """The arguments with which `timm.create_model` builds this encoder; an export carries them."""
    arguments: dict[str, Any] = {
        "model_name": config.encoder,
        "img_size": config.image_size,
        "patch_size": config.patch_size,
        "class_token": False,
        "global_pool": "avg",
        "fc_norm": True,
        "num_classes": classes,
        "drop_path_rate": config.drop_path,
    }
    overrides = {"embed_dim": config.embed_dim, "depth": config.depth, "num_heads": config.heads}
    return arguments | {name: value for name, value in overrides.items() if value}


def _build_encoder(config: ModelConfig, classes: int) -> VisionTransformer:
    try:
        encoder = timm.create_model(**timm_arguments(config, classes), pretrained=False)
    except (RuntimeError, TypeError, ValueError, AssertionError) as error:  # timm also asserts, on widths and heads
        raise InvalidConfig("ModelConfig.encoder", f"a vision transformer of timm ({error})", config.encoder) from error
    patches = (config.image_size // config.patch_size) ** 2
    if not isinstance(encoder, VisionTransformer) or encoder.num_prefix_tokens or encoder.pos_embed is None:
        raise InvalidConfig("ModelConfig.encoder", "a plain VisionTransformer without register tokens", config.encoder)
    if encoder.pos_embed.shape[1] != patches or not isinstance(encoder.head, nn.Linear):
        raise InvalidConfig("ModelConfig.encoder", f"one that takes {patches} patches", config.encoder)
    return encoder


def sine_cosine_table(dim: int, side: int) -> torch.Tensor:
    """Fixed 2-D positions: half of the width encodes the row, half the column; shape (1, side * side, dim).

    Source: Attention is all you need, 1706.03762, section 3.5, in two dimensions as in MAE, 2111.06377, appendix A.
    """
    quarter = dim // 4
    frequency_Q = 10000.0 ** -(torch.arange(quarter, dtype=torch.float64) / max(1, quarter))
    angle_SQ = torch.arange(side, dtype=torch.float64)[:, None] * frequency_Q
    waves_SH = torch.cat([angle_SQ.sin(), angle_SQ.cos()], dim=1)
    rows = waves_SH[:, None].expand(side, side, -1)
    columns = waves_SH[None].expand(side, side, -1)
    table = torch.cat([rows, columns], dim=2).flatten(0, 1).float()
    # Widths that four does not divide leave their last places at zero.
    return nn.functional.pad(table, (0, dim - table.shape[1]))[None]
