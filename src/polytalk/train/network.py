"""A small convolutional net from mel frames to the mouth, its loss and its training (JAX).

Two convolutions hear 100 frames a second and halve the rate; residual blocks of widening reach follow (WaveNet's
dilations: van den Oord et al. 2016). No padding inside: a frame depends on `REACH` mel frames on each side and on
nothing else, so that batches and pieces of long speech give the same as the whole.
"""

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from polytalk.engines.mouth.features import MELS, SILENT
from polytalk.engines.mouth.mouthnet import REACH
from polytalk.engines.mouth.visemes import JAW, LOWER, PRESS, ROUND
from polytalk.train.dataset import CLASSES, LEARNT, Stream, closed

Weights = dict[str, Any]
CHANNELS = 64
WIDE = 48
KERNEL = 5
DILATIONS = (1, 2, 4, 8, 1, 2)
MIDDLE, SPREAD = -1.3, 0.7
"""Of what the net hears, roughly."""
EPSILON = 1e-3
CROP = 128
"""Mouth frames of a training example."""
BATCH = 32
CLOSED_WEIGHT = 2.0
"""A missed closure counts so much more than a false one."""


def initial(seed: int) -> Weights:
    """Random weights (He et al. 2015); the residual branches begin near 0."""
    random = np.random.default_rng(seed)

    def layer(taps: int, inward: int, outward: int, scale: float = 1.0) -> dict[str, Any]:
        spread = scale * np.sqrt(2 / (taps * inward))
        return {
            "w": jnp.asarray(random.normal(0, spread, (taps, inward, outward)), jnp.float32),
            "b": jnp.zeros(outward, jnp.float32),
        }

    return {
        "hear": layer(KERNEL, MELS, WIDE),
        "halve": layer(KERNEL, WIDE, CHANNELS),
        "blocks": [layer(3, CHANNELS, CHANNELS, 0.3) for _ in DILATIONS],
        "mouth": layer(1, CHANNELS, LEARNT, 0.1),
        "closed": layer(1, CHANNELS, 1, 0.1),
        "shape": layer(1, CHANNELS, CLASSES, 0.1),
    }


def _convolve(x: Any, layer: dict[str, Any], dilation: int = 1, stride: int = 1) -> Any:
    """As a sum of matrix products, which XLA computes far faster on a CPU than its dilated convolutions."""
    taps = layer["w"].shape[0]
    length = x.shape[1] - dilation * (taps - 1)
    return layer["b"] + sum(x[:, k * dilation : k * dilation + length : stride] @ layer["w"][k] for k in range(taps))


def _even(x: Any) -> Any:
    """Each frame at the same RMS (Zhang & Sennrich, "Root Mean Square Layer Normalization", 2019)."""
    return x * jax.lax.rsqrt(jnp.mean(jnp.square(x), axis=-1, keepdims=True) + EPSILON)


def forward(weights: Weights, mel: Any, drop: Callable[[Any, int], Any] = lambda x, _: x) -> tuple[Any, Any, Any]:
    """Mouth [B, F, LEARNT], logits of closure [B, F] and of shapes [B, F, CLASSES] of mel [B, 2 (F + REACH), MELS]."""
    x = jax.nn.relu(_convolve((mel - MIDDLE) / SPREAD, weights["hear"]))
    x = jax.nn.relu(_convolve(x, weights["halve"], stride=2))
    for number, (layer, dilation) in enumerate(zip(weights["blocks"], DILATIONS, strict=True)):
        inner = jax.nn.relu(_convolve(_even(x), layer, dilation))
        x = x[:, dilation:-dilation] + drop(inner, number)
    x = _even(x)
    mouth, shut, shape = (_convolve(x, weights[head]) for head in ("mouth", "closed", "shape"))
    return mouth, shut[..., 0], shape


def _loss(weights: Weights, mel: Any, mouth: Any, shut: Any, shape: Any, key: Any) -> Any:
    def drop(x: Any, number: int) -> Any:
        keep = jax.random.bernoulli(jax.random.fold_in(key, number), 0.95, (x.shape[0], 1, x.shape[2]))
        return x * keep / 0.95

    said, closed_logit, shape_logit = forward(weights, mel, drop)
    columns = jnp.ones(LEARNT).at[jnp.array([JAW, ROUND, LOWER])].set(2.0).at[PRESS].set(1.0)
    distance = jnp.mean(jnp.square(said - mouth) * columns)
    bce = optax.sigmoid_binary_cross_entropy(closed_logit, shut) * (1 + (CLOSED_WEIGHT - 1) * shut)
    cross = optax.softmax_cross_entropy_with_integer_labels(shape_logit, shape)
    return 8 * distance + 2 * jnp.mean(bce) + 0.4 * jnp.mean(cross)


def batch(data: Stream, random: np.random.Generator) -> tuple[NDArray[Any], ...]:
    """Crops from anywhere, heard through other microphones and in other noise."""
    edge = REACH // 2 + 1
    starts = random.integers(edge, len(data.mouth) - CROP - edge, BATCH)
    mel = np.stack([data.mel[2 * s - REACH : 2 * (s + CROP) + REACH] for s in starts]).astype(np.float32)
    points = random.normal(0, 0.12, (BATCH, 6))
    mel += np.stack([np.interp(np.linspace(0, 5, MELS), np.arange(6), p) for p in points]).astype(np.float32)[:, None]
    mel += random.normal(0, 0.13, (BATCH, 1, 1)).astype(np.float32)
    for example in mel:
        if random.random() < 0.15:  # SpecAugment (Park et al. 2019): no band is indispensable
            low = int(random.integers(0, MELS - 6))
            example[:, low : low + int(random.integers(1, 6))] = SILENT
        if random.random() < 0.2:
            np.maximum(example, random.uniform(SILENT, -1.4), out=example)
    mouth = np.stack([data.mouth[s : s + CROP] for s in starts])
    shape = np.stack([data.shape[s : s + CROP] for s in starts])
    return mel, mouth.astype(np.float32), closed(mouth), shape.astype(np.int32)


def train(data: Stream, steps: int, seed: int, report: Callable[[int, float], None]) -> Weights:
    """Weights averaged over the last steps (Polyak & Juditsky 1992). AdamW with a cosine of learning rates."""
    weights = initial(seed)
    schedule = optax.warmup_cosine_decay_schedule(0.0, 3e-3, max(steps // 20, 1), steps, 2e-5)
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(schedule, weight_decay=1e-3))
    state = optimizer.init(weights)
    averaged = weights

    def step(weights: Weights, averaged: Weights, state: Any, key: Any, *examples: Any) -> Any:
        loss, slope = jax.value_and_grad(_loss)(weights, *examples, key)
        updates, state = optimizer.update(slope, state, weights)
        weights = optax.apply_updates(weights, updates)
        averaged = jax.tree.map(lambda old, new: 0.995 * old + 0.005 * new, averaged, weights)
        return weights, averaged, state, loss

    compiled = jax.jit(step)
    random = np.random.default_rng(seed)
    key = jax.random.key(seed)
    told, mean = time.monotonic(), 0.0
    for number in range(steps):
        examples = batch(data, random)
        weights, averaged, state, loss = compiled(weights, averaged, state, jax.random.fold_in(key, number), *examples)
        mean = float(loss) if number == 0 else 0.98 * mean + 0.02 * float(loss)
        if time.monotonic() - told > 5 or number == steps - 1:
            told = time.monotonic()
            report(number + 1, mean)
    return jax.tree.map(np.asarray, averaged)  # type: ignore[no-any-return]
