#!/usr/bin/python3
"""Writes lab.safetensors: features of the DCGAN authors' SVHN discriminator, by PyTorch from the published arrays; and linear SVMs, by
scikit-learn (Debian's python3-sklearn).

Run by hand, with the folder of the arrays:  /usr/bin/python3 tests/gold/make_lab_gold.py ../shared/data/svhn-dcgan
"""
import sys

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.svm import LinearSVC

from make_gold import Gold

folder = sys.argv[1]
gold = Gold("lab", 5)


def pictures(n):
    """n x 3 x 32 x 32 in -1..1 made of whole numbers, so that the test makes the same: blocks of 4 x 4 pixels and finer noise."""
    def hashed(k):
        k = (k * 7919 + 12345) % 65521
        return (k * k) % 65521
    i, c, y, x = np.meshgrid(*(np.arange(s, dtype=np.int64) for s in (n, 3, 32, 32)), indexing="ij")
    blocks = hashed(((i * 3 + c) * 8 + y // 4) * 8 + x // 4) % 200
    fine = hashed(((i * 3 + c) * 32 + y) * 32 + x) % 56
    return torch.from_numpy((blocks + fine) / 127.5 - 1)


def load(name):
    return torch.from_numpy(np.load(f"{folder}/{name}.npy").astype(np.float64))


def normalised(h, mean, variance, scale, shift):
    def shaped(v):
        return v.reshape(1, -1, 1, 1)
    return (h - shaped(mean)) / torch.sqrt(shaped(variance) + 1e-8) * shaped(scale) + shaped(shift)


def layers(x, statistics):
    """The three activations. statistics: a list of (mean, variance), or an empty one that takes those of the batch."""
    own = not statistics
    found, h = [], x
    for k, name in enumerate(["discrim_01", "discrim_02", "discrim_05"]):
        h = F.conv2d(h, load(name).flip(2, 3), stride=2, padding=2)
        if k > 0:
            if own:
                statistics.append((h.mean((0, 2, 3)), h.var((0, 2, 3), unbiased=False)))
            first = 3 * k
            mean, variance = statistics[k - 1]
            h = normalised(h, mean, variance, load(f"discrim_{first:02d}"), load(f"discrim_{first + 1:02d}"))
        h = F.leaky_relu(h, 0.2)
        found.append(h)
    return found


x = pictures(256)
seen = []
for part in x.split(128):
    of_batch = []
    layers(part, of_batch)
    seen.append(of_batch)
statistics = [tuple(sum(b[k][j] for b in seen) / len(seen) for j in range(2)) for k in range(2)]
rows = torch.cat([F.adaptive_max_pool2d(h, 4).flatten(1) for h in layers(x[:2], statistics)], 1)
assert rows.shape == (2, 7168)
gold.tensors["svhn.rows"] = rows.float().numpy()
gold.cases["svhn"] = {}

# Four clouds that overlap.
rng = np.random.RandomState(3)
classes = np.repeat(np.arange(4), [60, 40, 50, 30])
data = (rng.randn(180, 12) + 0.8 * rng.randn(4, 12)[classes]).astype(np.float32)
order = rng.permutation(180)
data, classes = data[order], classes[order]
gold.tensors["clouds.x"], gold.tensors["clouds.labels"] = data, (classes + 1).astype(np.float64)
gold.cases["clouds"] = {}
for loss in ["squared_hinge", "hinge"]:
    for size, c in [("small", 0.01), ("large", 1.0)]:
        model = LinearSVC(C=c, loss=loss, tol=1e-9, max_iter=2000000, random_state=0).fit(data.astype(np.float64), classes)
        name = f"svm {loss} {size}"
        gold.cases[name] = {"C": c, "loss": loss, "accuracy": float(model.score(data, classes))}
        gold.tensors[name + ".w"] = np.concatenate([model.coef_, model.intercept_[:, None]], 1)
gold.write()
