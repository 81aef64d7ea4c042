"""Which shard each photo is in. It depends on the photo's name alone, so that one new photo re-runs one shard."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def shard_of(photo: str, shards: int) -> int:
    """The shard, 0 to ``shards - 1``, of a photo."""
    digest = hashlib.sha256(photo.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8]) % shards


def shard_name(shard: int) -> str:
    """The shard as paths spell it: ``00``, ``01`` and so on."""
    return f"{shard:02d}"


def occupied(photos: Iterable[str], shards: int) -> dict[str, list[str]]:
    """The photos of each shard that has any, by the shard's name; all sorted."""
    filled: dict[str, list[str]] = {}
    for photo in sorted(photos):
        filled.setdefault(shard_name(shard_of(photo, shards)), []).append(photo)
    return dict(sorted(filled.items()))
