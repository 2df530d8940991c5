#!/usr/bin/python3
"""Writes gan.safetensors: losses and penalties of adversarial networks with their gradients, by PyTorch; and metrics.safetensors:
scores of images and features, by NumPy and PyTorch.

Run by hand, as make_gold.py:  /usr/bin/python3 tests/gold/make_gan_gold.py
"""
import numpy as np
import torch
import torch.nn.functional as F

from make_gold import Gold, leaves

gold = Gold("gan", 77)


def loss(name, f, options=None, **tensors):
    """A loss of scores: its value and its gradients with respect to them."""
    names = list(tensors)
    values = leaves(*tensors.values())
    result = f(*values)
    grads = torch.autograd.grad(result, values, allow_unused=True)
    found = {"grad_" + n: g for n, g in zip(names, grads) if g is not None}
    gold.add(name, options or {}, loss=result.reshape(1), **tensors, **found)


real, fake = gold.randn(6, 1, scale=2.0), gold.randn(6, 1, scale=2.0)
ones, zeros = torch.ones(6, 1, dtype=torch.float64), torch.zeros(6, 1, dtype=torch.float64)
bce = F.binary_cross_entropy_with_logits
pair = dict(real=real, fake=fake)
loss("minimax_d", lambda r, f: bce(r, ones) + bce(f, zeros), **pair)
loss("minimax_d smooth", lambda r, f: bce(r, ones * 0.9) + bce(f, zeros), {"real": 0.9}, **pair)
loss("minimax_g", lambda f: torch.log(1 - torch.sigmoid(f)).mean(), fake=fake)
loss("non_saturating_g", lambda f: -torch.log(torch.sigmoid(f)).mean(), fake=fake)
loss("least_squares_d", lambda r, f: 0.5 * F.mse_loss(r, ones) + 0.5 * F.mse_loss(f, zeros), **pair)
loss("least_squares_g", lambda f: 0.5 * F.mse_loss(f, ones), fake=fake)
loss("wasserstein_d", lambda r, f: f.mean() - r.mean(), **pair)
loss("wasserstein_g", lambda f: -f.mean(), fake=fake)
loss("hinge_d", lambda r, f: -torch.minimum(r - 1, zeros).mean() - torch.minimum(-f - 1, zeros).mean(), **pair)
loss("hinge_g", lambda f: -f.mean(), fake=fake)
loss("relativistic_d", lambda r, f: bce(r - f.mean(), ones) + bce(f - r.mean(), zeros), **pair)
loss("relativistic_g", lambda r, f: bce(f - r.mean(), ones) + bce(r - f.mean(), zeros), **pair)
loss("relativistic_pairs_d", lambda r, f: bce(r - f, ones), **pair)
loss("relativistic_pairs_g", lambda r, f: bce(f - r, ones), **pair)
features = gold.randn(5, 3, 2, 2)
loss("feature_matching", lambda f: ((features.mean(0) - f.mean(0)) ** 2).sum(), fake=gold.randn(5, 3, 2, 2))
gold.tensors["feature_matching.real"] = features.numpy()
labels = [3, 1, 4, 1, 2]
logits = gold.randn(5, 4)
loss("classification", lambda x: F.cross_entropy(x, torch.tensor(labels) - 1), {"labels": labels}, logits=logits)
codes = gold.randn(5, 2)
loss("codes", lambda x: 0.5 * ((x - codes) ** 2).sum(1).mean(), said=gold.randn(5, 2))
gold.tensors["codes.codes"] = codes.numpy()


# A critic of three layers and the second derivatives of its penalties.
def critic(x, p):
    h = F.leaky_relu(F.conv2d(x, p[0], p[1], stride=2, padding=1), 0.2)
    h = torch.tanh(F.conv2d(h, p[2], p[3], stride=2, padding=1))
    return F.linear(h.flatten(1), p[4], p[5])


shapes = [(4, 2, 4, 4), (4,), (5, 4, 4, 4), (5,), (1, 20), (1,)]
weights = [gold.randn(*s, scale=0.4) for s in shapes]
images, others = gold.randn(3, 2, 8, 8), gold.randn(3, 2, 8, 8)
between = others + torch.tensor([0.2, 0.7, 0.45], dtype=torch.float64).view(3, 1, 1, 1) * (images - others)


def slope(x, p):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(critic(x, p).sum(), x, create_graph=True)[0].flatten(1)


def penalty(name, f):
    p = leaves(*weights)
    result = f(p)
    grads = torch.autograd.grad(result, p, allow_unused=True)
    found = {"grad_%d" % (i + 1): torch.zeros_like(w) if g is None else g for i, (g, w) in enumerate(zip(grads, p))}
    gold.add(name, {}, loss=result.reshape(1), between=between, images=images,
             **{"weight_%d" % (i + 1): w for i, w in enumerate(weights)}, **found)


penalty("wgan_gp", lambda p: ((slope(between, p).norm(2, 1) - 1) ** 2).mean())
penalty("r1", lambda p: 0.5 * slope(images, p).pow(2).sum(1).mean())
gold.write()


# ---- metrics ----------------------------------------------------------------------------------------------------------
gold = Gold("metrics", 78)
x = gold.randn(120, 12).numpy()
y = (gold.randn(90, 12) @ (torch.eye(12, dtype=torch.float64) + gold.randn(12, 12, scale=0.2)) + 0.3).numpy()
y[:, 5] = 0  # a feature that is dead: the covariance is singular


def frechet(a, b):
    c1, c2 = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    eigenvalues = np.linalg.eigvals(c1 @ c2)  # of a matrix that is not symmetric: another way than ours
    trace = np.sqrt(np.maximum(eigenvalues.real, 0)).sum()
    return ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(c1) + np.trace(c2) - 2 * trace


def mmd(a, b):
    k = lambda p, q: (p @ q.T / p.shape[1] + 1) ** 3
    total = 0
    for s, sign in ((a, 1), (b, 1)):
        total += sum(k(s[i:i + 1], s[j:j + 1])[0, 0] for i in range(len(s)) for j in range(len(s)) if i != j) / (len(s) * (len(s) - 1))
    return total - 2 * k(a, b).mean()


def neighbours(a, b, k):
    far = lambda p, q: np.sqrt(((p[:, None] - q[None]) ** 2).sum(2))
    ra, rb = np.sort(far(a, a), 1)[:, k], np.sort(far(b, b), 1)[:, k]  # the first is the point itself
    d = far(a, b)
    return dict(precision=(d <= ra[:, None]).any(0).mean(), recall=(d <= rb[None]).any(1).mean(),
                density=(d <= ra[:, None]).sum() / (k * len(b)), coverage=(d.min(1) <= ra).mean())


p = torch.softmax(gold.randn(40, 6, scale=2), 1).numpy()
inception = np.exp((p * (np.log(p) - np.log(p.mean(0)))).sum(1).mean())
gold.add("features", dict(frechet=float(frechet(x, y)), mmd=float(mmd(x, y)), inception=float(inception),
                          **{k: float(v) for k, v in neighbours(x, y, 4).items()}), real=x, fake=y, p=p)

a, b = torch.tanh(gold.randn(4, 2, 24, 20)), torch.tanh(gold.randn(4, 2, 24, 20))
b = 0.6 * a + 0.4 * b
g = torch.exp(-(torch.arange(11, dtype=torch.float64) - 5) ** 2 / (2 * 1.5 ** 2))
g = (g / g.sum())[:, None] * (g / g.sum())[None]


def similarity(u, v):  # window by window, in 0..1 as the paper's 0..255
    u, v = (u + 1) / 2, (v + 1) / 2
    pu, pv = (t.unfold(2, 11, 1).unfold(3, 11, 1) for t in (u, v))
    mean = lambda t: (t * g).sum((-1, -2))
    mu, mv = mean(pu), mean(pv)
    du, dv = pu - mu[..., None, None], pv - mv[..., None, None]
    s = (2 * mu * mv + 1e-4) * (2 * mean(du * dv) + 9e-4) / ((mu ** 2 + mv ** 2 + 1e-4) * (mean(du ** 2) + mean(dv ** 2) + 9e-4))
    return s.mean((1, 2, 3))


k5 = torch.tensor([1.0, 4, 6, 4, 1], dtype=torch.float64) / 16
k5 = (k5[:, None] * k5[None])[None, None]
small = F.conv2d(a.reshape(8, 1, 24, 20), k5, stride=2, padding=2)
wide = torch.zeros(8, 1, 24, 20, dtype=torch.float64)
wide[:, :, ::2, ::2] = small  # zeros between, then four times the filter
detail = a - F.conv2d(wide, 4 * k5, padding=2).reshape(4, 2, 24, 20)
directions = gold.randn(12, 5)
directions = (directions / directions.norm(dim=0)).numpy()
moved = sum(np.abs(np.sort(x[:90] @ d) - np.sort(y @ d)).mean() for d in directions.T) / 5
gold.add("images", dict(moved=float(moved)), a=a, b=b, similarity=similarity(a, b), detail=detail, small=small.reshape(4, 2, 12, 10),
         directions=directions)
gold.write()
