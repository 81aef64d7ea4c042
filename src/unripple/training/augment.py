"""What trainings do to a batch of pictures, seeded and on the batch's device.

Throughout: ``rgb float (B, 3, H, W) in [-1, 1]``, ``matte float (B, 1, H, W) in [0, 1]``.
"""

from __future__ import annotations

import math

import cv2
import torch
from torch import Tensor
from torch.nn import functional as F


class Dice:
    """Random numbers of one training step, a function of the training's seed and the step's number alone.

    They are drawn on the CPU, so a training sees the same batches on every device, which does not wait for them.
    """

    def __init__(self, seed: int, step: int, device: torch.device | str = "cpu") -> None:
        self.generator = torch.Generator().manual_seed(1_000_003 * seed + step)
        self.device = device

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Float32, uniform."""
        return (low + (high - low) * torch.rand(*shape, generator=self.generator)).to(self.device, non_blocking=True)

    def normal(self, *shape: int) -> Tensor:
        """Float32, standard normal."""
        return torch.randn(*shape, generator=self.generator).to(self.device, non_blocking=True)

    def index(self, below: int, count: int) -> Tensor:
        """int64 (count,), on the CPU."""
        return torch.randint(below, (count,), generator=self.generator)

    def coin(self, chance: float, count: int) -> Tensor:
        """bool (count, 1, 1, 1)."""
        return self.uniform(0, 1, count, 1, 1, 1) < chance


def signed(pictures: Tensor) -> Tensor:
    """uint8 (B, H, W, 3) -> float32 (B, 3, H, W) in [-1, 1]."""
    return pictures.permute(0, 3, 1, 2).float().div(127.5).sub(1)


def moved(x: Tensor, dice: Dice, *, zoom: tuple[float, float], turn: float, shift: float, mirror: float) -> Tensor:
    """Random similarity of each picture ``(B, C, H, W)``, reflected at the borders.

    ``zoom``: range of the scale; ``turn``: degrees to either side; ``shift``: share of the side, to either side;
    ``mirror``: chance of a mirror image.
    """
    count = len(x)
    scale = 1 / dice.uniform(*zoom, count)
    angle = dice.uniform(-turn, turn, count) * (math.pi / 180)
    flip = 1 - 2 * dice.coin(mirror, count).flatten().float()
    cos, sin = scale * angle.cos(), scale * angle.sin()
    dx, dy = dice.uniform(-2 * shift, 2 * shift, 2, count)
    affine = torch.stack((flip * cos, -flip * sin, dx, sin, cos, dy), dim=1).view(count, 2, 3)
    grid = F.affine_grid(affine, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)


def with_ghost(rgb: Tensor, matte: Tensor, dice: Dice, *, chance: float = 0.4, strength: float = 0.5) -> Tensor:
    """Add a faint second copy of the person, a little aside: an imitation of the after-image a large edit leaves.

    It is up to ``strength`` opaque beside the person and half of that on it.
    """
    count = len(rgb)
    ghost = moved(torch.cat((rgb, matte), dim=1), dice, zoom=(0.9, 1.1), turn=8, shift=0.1, mirror=0.3)
    opacity = dice.uniform(0.05, strength, count, 1, 1, 1) * ghost[:, 3:] * (1 - 0.5 * matte) * dice.coin(chance, count)
    return torch.lerp(rgb, ghost[:, :3], opacity)


def recoloured(rgb: Tensor, dice: Dice) -> Tensor:
    """Random brightness, contrast and saturation, seldom grey; clipped."""
    count = len(rgb)
    grey = rgb.mean(dim=1, keepdim=True)
    saturation = torch.where(dice.coin(0.05, count), torch.zeros(()), dice.uniform(0.5, 1.4, count, 1, 1, 1))
    tint = dice.uniform(-0.08, 0.08, count, 3, 1, 1) + dice.uniform(-0.2, 0.2, count, 1, 1, 1)
    rgb = grey + saturation * (rgb - grey)
    return (rgb * dice.uniform(0.7, 1.25, count, 1, 1, 1) + tint).clamp(-1, 1)


def with_neighbour(plates: Tensor, rgb: Tensor, matte: Tensor, dice: Dice, *, chance: float = 0.3) -> Tensor:
    """Some plates get another person, ``rgb`` cut out by ``matte``, near their left or right border."""
    count = len(plates)
    side = 1 - 2 * dice.coin(0.5, count).flatten().float()
    other = torch.cat((rgb, matte), dim=1)
    grid = F.affine_grid(torch.eye(2, 3, device=rgb.device).expand(count, 2, 3), list(other.shape), align_corners=False)
    centre = torch.stack((side * dice.uniform(0.7, 1.5, count), dice.uniform(-0.4, 0.4, count)), dim=1)
    mirror = torch.stack((side, torch.ones_like(side)), dim=1)
    grid = mirror[:, None, None] * (grid - centre[:, None, None]) / dice.uniform(0.5, 1.2, count, 1, 1, 1)
    other = F.grid_sample(other, grid, align_corners=False)  # zeros, and so nobody, beyond the border
    return torch.lerp(plates, other[:, :3], other[:, 3:] * dice.coin(chance, count))


def with_things(rgb: Tensor, texture: Tensor, dice: Dice, *, chance: float = 0.25) -> Tensor:
    """Some pictures get a thing in front: a slanted ellipse of another picture's ``texture``, mostly in the lower half.

    What a person holds in front of them hides them and is not a hole in them.
    """
    count, _, height, width = rgb.shape
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    x, y = (
        axis.to(rgb.device) - dice.uniform(low, high, count, 1, 1)
        for axis, low, high in ((x, -0.6, 0.6), (y, 0.1, 1.0))
    )
    angle = dice.uniform(0, math.pi, count, 1, 1)
    along, across = angle.cos() * x + angle.sin() * y, angle.cos() * y - angle.sin() * x
    long, short = dice.uniform(0.15, 0.6, count, 1, 1), dice.uniform(0.05, 0.25, count, 1, 1)
    inside = ((1 - torch.hypot(along / long, across / short)) * short * height / 2 + 0.5).clamp(0, 1)[:, None]
    return torch.lerp(rgb, texture, inside * dice.coin(chance, count))


def compressed(rgb: Tensor, dice: Dice, *, chance: float = 1 / 3) -> Tensor:
    """Some pictures go through JPEG, of quality 25 to 90."""
    chosen = dice.coin(chance, len(rgb)).flatten()
    quality = dice.uniform(25, 90, len(rgb))
    rgb = rgb.clone()
    for i in chosen.nonzero().flatten().tolist():
        levels = rgb[i].add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).cpu().numpy()
        _, file = cv2.imencode(".jpg", levels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(quality[i])])
        read = torch.from_numpy(cv2.imdecode(file, cv2.IMREAD_COLOR_RGB))
        rgb[i] = signed(read[None])[0].to(rgb)
    return rgb


def degraded(rgb: Tensor, dice: Dice) -> Tensor:
    """A third of the pictures lose resolution (by 1.5 to 4), a third gain noise, a third are JPEGs."""
    count, size = len(rgb), rgb.shape[-2:]
    factor = float(dice.uniform(1.5, 4, 1))
    small = F.interpolate(rgb, size=[round(side / factor) for side in size], mode="bilinear", antialias=True)
    blurred = F.interpolate(small, size=size, mode="bilinear", align_corners=False)
    rgb = torch.where(dice.coin(1 / 3, count), blurred, rgb)
    noise = dice.uniform(0, 0.06, count, 1, 1, 1) * dice.coin(1 / 3, count)
    return compressed((rgb + noise * dice.normal(*rgb.shape)).clamp(-1, 1), dice)
