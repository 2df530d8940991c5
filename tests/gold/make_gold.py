#!/usr/bin/python3
"""Writes the gold tensors in this directory: inputs, and what PyTorch (or, for Adam, a few lines of NumPy) makes of them.

Run by hand, with Debian's python3-torch, when a case is added:  /usr/bin/python3 tests/gold/make_gold.py
The files are safetensors: 8 bytes with the length of a JSON header, the header, the numbers. Each file's metadata has one
entry, "cases": JSON text that says what was computed; a tensor is called CASE.NAME.
"""
import json
import os
import struct

import numpy as np
import torch
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
NAMES = {np.dtype("float64"): "F64", np.dtype("float32"): "F32"}


class Gold:
    """Collects the cases of one file."""

    def __init__(self, name, seed):
        self.path = os.path.join(HERE, name + ".safetensors")
        self.cases, self.tensors = {}, {}
        self.generator = torch.Generator().manual_seed(seed)

    def randn(self, *sizes, scale=1.0):
        return torch.randn(*sizes, generator=self.generator, dtype=torch.float64) * scale

    def add(self, case, options, **tensors):
        assert case not in self.cases, case
        self.cases[case] = options
        for name, t in tensors.items():
            if isinstance(t, torch.Tensor):
                t = (torch.zeros(t.shape, dtype=t.dtype) if t._is_zerotensor() else t.detach()).numpy()
            assert np.isfinite(t).all(), (case, name)
            self.tensors[case + "." + name] = np.ascontiguousarray(t)

    def write(self):
        header, offset = {"__metadata__": {"cases": json.dumps(self.cases, sort_keys=True)}}, 0
        for name, t in self.tensors.items():
            shape = list(t.shape) or [1]
            header[name] = {"dtype": NAMES[t.dtype], "shape": shape, "data_offsets": [offset, offset + t.nbytes]}
            offset += t.nbytes
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        with open(self.path, "wb") as f:
            f.write(struct.pack("<Q", len(text)) + text)
            for t in self.tensors.values():
                f.write(t.tobytes())
        print("%-26s %3d cases %4d tensors %7d bytes" % (os.path.basename(self.path), len(self.cases), len(self.tensors),
                                                         os.path.getsize(self.path)))


def leaves(*tensors):
    return [t.clone().requires_grad_() for t in tensors]


def convolutions():
    gold = Gold("conv", 1)
    # name, x, kernel (O, KH, KW), stride, pad, dilation, groups
    for name, x, k, stride, pad, dil, groups in [
        ("dcgan", (2, 2, 6, 6), (3, 4, 4), (2, 2), (1, 1), (1, 1), 1),
        ("five", (1, 2, 5, 5), (2, 5, 5), (2, 2), (2, 2), (1, 1), 1),
        ("uneven", (2, 1, 5, 7), (2, 3, 2), (2, 3), (1, 0), (1, 1), 1),
        ("three", (1, 2, 4, 5), (2, 3, 3), (1, 1), (1, 1), (1, 1), 1),
        ("dilated", (1, 2, 7, 6), (2, 3, 2), (1, 2), (2, 1), (2, 3), 1),
        ("groups", (1, 4, 4, 4), (6, 3, 3), (1, 1), (1, 1), (1, 1), 2),
        ("depthwise", (1, 3, 5, 4), (3, 2, 3), (2, 1), (0, 1), (1, 1), 3),
        ("pointwise", (2, 3, 2, 2), (4, 1, 1), (1, 1), (0, 0), (1, 1), 1),
        ("to one", (2, 2, 4, 4), (1, 4, 4), (1, 1), (0, 0), (1, 1), 1),
        ("wide pad", (1, 1, 3, 3), (1, 3, 3), (2, 2), (2, 2), (1, 1), 1),
    ]:
        x = gold.randn(*x)
        w = gold.randn(k[0], x.shape[1] // groups, k[1], k[2])
        b = gold.randn(k[0])
        x, w, b = leaves(x, w, b)
        y = F.conv2d(x, w, b, stride, pad, dil, groups)
        g = gold.randn(*y.shape)
        gx, gw, gb = torch.autograd.grad(y, [x, w, b], g)
        gold.add("conv " + name, dict(stride=stride, pad=pad, dil=dil, groups=groups), x=x, w=w, b=b, y=y, g=g, gx=gx, gw=gw, gb=gb)
    # name, x, kernel (O / groups, KH, KW), stride, pad, output padding, dilation, groups
    for name, x, k, stride, pad, out, dil, groups in [
        ("dcgan", (2, 3, 3, 3), (2, 4, 4), (2, 2), (1, 1), (0, 0), (1, 1), 1),
        ("from one", (3, 4, 1, 1), (2, 4, 4), (1, 1), (0, 0), (0, 0), (1, 1), 1),
        ("five", (1, 2, 3, 3), (2, 5, 5), (2, 2), (2, 2), (1, 1), (1, 1), 1),
        ("uneven", (1, 2, 3, 2), (1, 3, 2), (2, 3), (1, 0), (1, 2), (1, 1), 1),
        ("dilated", (1, 2, 3, 3), (2, 2, 3), (2, 1), (1, 2), (1, 0), (2, 2), 1),
        ("groups", (1, 4, 3, 3), (3, 3, 3), (2, 2), (1, 1), (1, 1), (1, 1), 2),
        ("depthwise", (2, 3, 3, 2), (1, 2, 2), (2, 2), (0, 0), (0, 0), (1, 1), 3),
        ("stride above kernel", (1, 1, 3, 3), (2, 2, 2), (3, 3), (0, 0), (1, 2), (1, 1), 1),
    ]:
        x = gold.randn(*x)
        w = gold.randn(x.shape[1], *k)
        b = gold.randn(k[0] * groups)
        x, w, b = leaves(x, w, b)
        y = F.conv_transpose2d(x, w, b, stride, pad, out, groups, dil)
        g = gold.randn(*y.shape)
        gx, gw, gb = torch.autograd.grad(y, [x, w, b], g)
        gold.add("full " + name, dict(stride=stride, pad=pad, out=out, dil=dil, groups=groups), x=x, w=w, b=b, y=y, g=g, gx=gx, gw=gw, gb=gb)
    gold.write()


def layers():
    gold = Gold("layers", 2)
    for name, sizes, affine in [("4d", (3, 2, 2, 3), True), ("2d", (5, 3), True), ("plain", (2, 3, 2, 2), False), ("batch 1", (1, 2, 3, 2), True)]:
        for train in [True, False]:
            x, w, b = gold.randn(*sizes), gold.randn(sizes[1]), gold.randn(sizes[1])
            mean, var = gold.randn(sizes[1]), gold.randn(sizes[1]).abs() + 0.5
            start = dict(mean=mean.clone(), var=var.clone())
            x, w, b = leaves(x, w, b)
            y = F.batch_norm(x, mean, var, w if affine else None, b if affine else None, train, 0.1, 1e-5)
            g = gold.randn(*sizes)
            wanted = [x, w, b] if affine else [x]
            grads = torch.autograd.grad(y, wanted, g)
            more = dict(w=w, b=b, gw=grads[1], gb=grads[2]) if affine else {}
            gold.add("batch norm %s %s" % (name, "train" if train else "eval"), dict(op="batch_norm", train=train), x=x, y=y, g=g, gx=grads[0],
                     mean_before=start["mean"], var_before=start["var"], mean_after=mean, var_after=var, **more)
    for name, sizes, k, stride, pad, ceil in [
        ("2x2", (2, 2, 4, 4), (2, 2), (2, 2), (0, 0), False),
        ("uneven", (1, 2, 7, 6), (3, 2), (2, 3), (1, 1), False),
        ("ceil", (1, 2, 5, 6), (2, 3), (2, 2), (0, 0), True),
        ("ceil and pad", (2, 1, 6, 5), (3, 3), (2, 2), (1, 1), True),
        ("ceil, last window in the padding", (1, 1, 5, 5), (2, 2), (2, 2), (1, 1), True),
        ("overlapping", (1, 1, 5, 5), (3, 3), (1, 1), (0, 0), False),
    ]:
        for op in ["max_pool", "avg_pool", "avg_pool_without_pad"]:
            x, = leaves(gold.randn(*sizes))
            if op == "max_pool":
                y = F.max_pool2d(x, k, stride, pad, ceil_mode=ceil)
            else:
                y = F.avg_pool2d(x, k, stride, pad, ceil_mode=ceil, count_include_pad=op == "avg_pool")
            g = gold.randn(*y.shape)
            gx, = torch.autograd.grad(y, x, g)
            gold.add("%s %s" % (op, name), dict(op=op, k=k, stride=stride, pad=pad, ceil=ceil), x=x, y=y, g=g, gx=gx)
    for name, fn in [
        ("relu", F.relu), ("leaky_relu", lambda x: F.leaky_relu(x, 0.2)), ("tanh", torch.tanh), ("sigmoid", torch.sigmoid),
        ("softplus", F.softplus), ("log_softmax", lambda x: F.log_softmax(x, 1)), ("softmax", lambda x: F.softmax(x, 1)),
        ("exp", torch.exp), ("abs", torch.abs), ("norm", lambda x: x.norm(2, 1)), ("var", lambda x: x.var(0)),
    ]:
        x, = leaves(gold.randn(3, 7, scale=3.0 if name not in ("exp",) else 1.0))
        y = fn(x)
        g, v = gold.randn(*y.shape), gold.randn(*x.shape)
        gx, = torch.autograd.grad(y, x, g, create_graph=True)
        # the gradient of gx . v: second derivatives; zero for what is linear in pieces
        ggx = torch.autograd.grad((gx * v).sum(), x, allow_unused=True)[0] if gx.requires_grad else None
        gold.add("activation " + name, dict(op=name), x=x, y=y, g=g, v=v, gx=gx, ggx=torch.zeros_like(x) if ggx is None else ggx)
    for name in ["bce", "bce_with_logits", "mse"]:
        x, t = gold.randn(4, 5, scale=2.0), gold.randn(4, 5).sigmoid()
        if name == "bce":
            x = x.sigmoid()
        x, t = leaves(x, t)
        if name == "bce":
            y = -(t * (x + 1e-12).log() + (1 - t) * (1 - x + 1e-12).log()).mean()  # Torch7's epsilon
        elif name == "bce_with_logits":
            y = F.binary_cross_entropy_with_logits(x, t)
        else:
            y = F.mse_loss(x, t)
        gx, gt = torch.autograd.grad(y, [x, t])
        gold.add("loss " + name, dict(op=name), x=x, t=t, y=y, gx=gx, gt=gt)
    gold.write()


def adam():
    """Torch7's optim.adam: eps is added to the square root of the uncorrected second moment."""
    gold = Gold("adam", 3)
    for name, lr, b1, b2, eps, decay in [
        ("dcgan", 2e-4, 0.5, 0.999, 1e-8, 0.0), ("defaults", 1e-3, 0.9, 0.999, 1e-8, 0.0), ("wgan-gp", 1e-4, 0.0, 0.9, 1e-8, 0.0),
        ("large eps", 1e-2, 0.9, 0.99, 1e-3, 0.0),
    ]:
        x = gold.randn(7).numpy()
        options = dict(lr=lr, beta1=b1, beta2=b2, eps=eps, steps=6)
        tensors = dict(x0=x.copy())
        m, v = np.zeros(7), np.zeros(7)
        for t in range(1, 7):
            g = gold.randn(7, scale=0.1 if t % 2 else 3.0).numpy()
            tensors["g%d" % t] = g
            m = b1 * m + (1 - b1) * g
            v = b2 * v + (1 - b2) * g * g
            x = x - lr * np.sqrt(1 - b2**t) / (1 - b1**t) * m / (np.sqrt(v) + eps)
            tensors["x%d" % t] = x.copy()
        gold.add(name, options, m=m, v=v, **tensors)
    gold.write()


class Generator(torch.nn.Module):
    """z 4 -> 6 x 4 x 4 -> 3 x 8 x 8."""

    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.ConvTranspose2d(4, 6, 4, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(6)
        self.conv2 = torch.nn.ConvTranspose2d(6, 3, 4, 2, 1, bias=True)

    def forward(self, z):
        return torch.tanh(self.conv2(F.relu(self.bn1(self.conv1(z)))))


class Discriminator(torch.nn.Module):
    """3 x 8 x 8 -> 4 x 4 x 4 -> 5 x 2 x 2 -> a logit."""

    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(3, 4, 4, 2, 1, bias=False)
        self.conv2 = torch.nn.Conv2d(4, 5, 4, 2, 1, bias=False)
        self.bn2 = torch.nn.BatchNorm2d(5)
        self.conv3 = torch.nn.Conv2d(5, 1, 2, bias=True)

    def forward(self, x):
        x = F.leaky_relu(self.conv1(x), 0.2)
        x = F.leaky_relu(self.bn2(self.conv2(x)), 0.2)
        return self.conv3(x).view(-1)


def dcgan():
    gold = Gold("dcgan", 4)
    netG, netD = Generator().double(), Discriminator().double()
    with torch.no_grad():
        for net in (netG, netD):
            for name, p in net.named_parameters():
                p.copy_(gold.randn(*p.shape, scale=0.3))
                if name.startswith("bn") and name.endswith("weight"):
                    p.add_(1)
    z, real = gold.randn(3, 4, 1, 1), gold.randn(3, 3, 8, 8).tanh()
    kept = dict(z=z, real=real)
    for prefix, net in (("G.", netG), ("D.", netD)):
        for name, p in net.named_parameters():
            kept[prefix + name] = p.clone()
    # the same in float: the images and both losses only
    G32, D32 = Generator(), Discriminator()
    G32.load_state_dict(netG.state_dict())
    D32.load_state_dict(netD.state_dict())
    with torch.no_grad():
        fake32 = G32(z.float())
        kept["fake32"], kept["logits32"] = fake32, D32(fake32)

    fake = netG(z)
    on_real, on_fake = netD(real), netD(fake.detach())
    one, zero = torch.ones_like(on_real), torch.zeros_like(on_real)
    loss_d = F.binary_cross_entropy_with_logits(on_real, one) + F.binary_cross_entropy_with_logits(on_fake, zero)
    for (name, p), g in zip(netD.named_parameters(), torch.autograd.grad(loss_d, list(netD.parameters()))):
        kept["grad.D." + name] = g
    loss_g = F.binary_cross_entropy_with_logits(netD(fake), one)
    grads = torch.autograd.grad(loss_g, list(netG.parameters()) + [fake])
    for (name, p), g in zip(netG.named_parameters(), grads):
        kept["grad.G." + name] = g
    kept.update(fake=fake, on_real=on_real, on_fake=on_fake, loss_d=loss_d, loss_g=loss_g)
    kept["grad.fake"] = grads[-1]
    kept["mean.G.bn1"], kept["var.G.bn1"] = netG.bn1.running_mean, netG.bn1.running_var
    kept["mean.D.bn2"], kept["var.D.bn2"] = netD.bn2.running_mean, netD.bn2.running_var  # after three forwards
    netG.eval()
    kept["evaluated"] = netG(z)
    gold.add("dcgan", {}, **kept)
    gold.write()


def wgan_gp():
    """The gradient of the penalty (|grad_x D(x)| - 1)^2 with respect to D's weights (Gulrajani et al. 2017)."""
    gold = Gold("wgan_gp", 5)
    for name, norm in [("plain", False), ("batch norm", True)]:
        x = gold.randn(3, 2, 8, 8)
        weights = dict(w1=gold.randn(3, 2, 4, 4, scale=0.3), b1=gold.randn(3, scale=0.3), w2=gold.randn(4, 3, 4, 4, scale=0.3),
                       w3=gold.randn(1, 16, scale=0.3), b3=gold.randn(1))
        if norm:
            weights.update(gamma=1 + gold.randn(4, scale=0.3), beta=gold.randn(4, scale=0.3))
        p = {k: v.clone().requires_grad_() for k, v in weights.items()}
        x = x.requires_grad_()
        h = F.leaky_relu(F.conv2d(x, p["w1"], p["b1"], 2, 1), 0.2)
        h = F.conv2d(h, p["w2"], None, 2, 1)
        if norm:
            h = F.batch_norm(h, None, None, p["gamma"], p["beta"], True)
        h = torch.tanh(F.leaky_relu(h, 0.2))
        score = h.flatten(1) @ p["w3"].t() + p["b3"]
        gx, = torch.autograd.grad(score.sum(), x, create_graph=True)
        penalty = (gx.flatten(1).norm(2, 1) - 1).pow(2).mean()
        grads = torch.autograd.grad(penalty, list(p.values()) + [x], allow_unused=True)
        kept = {"grad." + k: g for k, g in zip(list(p) + ["x"], grads) if g is not None}
        gold.add(name, dict(norm=norm), x=x, score=score, gx=gx, penalty=penalty, **weights, **kept)
    gold.write()


def modules():
    """Layers and criteria: a case's name is what tests/gold/modules_spec.lua makes of it in Lua."""
    gold = Gold("modules", 6)
    pad, up = F.pad, F.interpolate
    for name, sizes, fn in [
        ("ELU", (3, 4), lambda x: F.elu(x, 1.0)), ("ELU half", (3, 4), lambda x: F.elu(x, 0.5)),
        ("SoftPlus", (3, 4), F.softplus), ("SoftPlus 2", (3, 4), lambda x: F.softplus(x, 2.0, 20.0)),
        ("LogSigmoid", (3, 4), F.logsigmoid), ("SoftSign", (3, 4), F.softsign),
        ("HardTanh", (3, 4), F.hardtanh), ("Clamp", (3, 4), lambda x: x.clamp(-0.5, 0.25)),
        ("Threshold", (3, 4), lambda x: F.threshold(x, 0.1, -0.3)), ("Abs", (3, 4), torch.abs), ("Square", (3, 4), torch.square),
        ("Power", (3, 4), lambda x: x.pow(3)), ("Exp", (3, 4), torch.exp), ("MulConstant", (3, 4), lambda x: x * 2.5),
        ("SoftMax 1d", (5,), lambda x: F.softmax(x, 0)), ("SoftMax 2d", (3, 5), lambda x: F.softmax(x, 1)),
        ("SoftMax 3d", (3, 2, 2), lambda x: F.softmax(x, 0)), ("SoftMax 4d", (2, 3, 2, 2), lambda x: F.softmax(x, 1)),
        ("LogSoftMax 2d", (3, 5), lambda x: F.log_softmax(x, 1)), ("LogSoftMax 4d", (2, 3, 2, 2), lambda x: F.log_softmax(x, 1)),
        ("Normalize 2", (3, 4), lambda x: x / (x.pow(2).sum(1, True) + 1e-10).sqrt()),
        ("Normalize 3", (3, 4), lambda x: x / (x.abs().pow(3).sum(1, True) + 1e-10).pow(1 / 3)),
        ("Mean", (2, 3, 4), lambda x: x.mean(1)), ("Sum", (2, 3, 4), lambda x: x.sum(2)),
        ("Max", (2, 3, 4), lambda x: x.max(1)[0]), ("Min", (2, 3, 4), lambda x: x.min(2)[0]),
        ("Transpose", (2, 3, 4), lambda x: x.transpose(0, 1).transpose(1, 2)),
        ("SpatialZeroPadding", (1, 2, 3, 4), lambda x: pad(x, (1, 2, -1, 3))),
        ("SpatialReflectionPadding", (1, 2, 4, 5), lambda x: pad(x, (1, 2, 3, 0), mode="reflect")),
        ("SpatialReplicationPadding", (1, 2, 3, 4), lambda x: pad(x, (1, 2, 3, 0), mode="replicate")),
        ("SpatialUpSamplingNearest", (2, 2, 2, 3), lambda x: up(x, scale_factor=3, mode="nearest")),
        ("SpatialUpSamplingBilinear", (2, 2, 3, 4), lambda x: up(x, scale_factor=2, mode="bilinear", align_corners=True)),
        ("SpatialUpSamplingBilinear sizes", (1, 2, 4, 3), lambda x: up(x, size=(7, 2), mode="bilinear", align_corners=True)),
    ]:
        x, = leaves(gold.randn(*sizes))
        y = fn(x)
        g = gold.randn(*y.shape)
        gold.add("layer " + name, {}, x=x, y=y, g=g, gx=torch.autograd.grad(y, x, g)[0])
    for name, sizes, weight, fn in [
        ("PReLU", (3, 4), (1,), F.prelu), ("PReLU planes", (2, 3, 2, 2), (3,), F.prelu),
        ("CMul", (2, 3, 2), (3, 2), lambda x, w: x * w), ("Add", (2, 6), (6,), lambda x, b: x + b),
        ("Maxout", (3, 4), (6, 4), lambda x, w: F.linear(x, w).view(3, 2, 3).max(2)[0]),
    ]:
        x, w = leaves(gold.randn(*sizes), gold.randn(*weight))
        y = fn(x, w)
        g = gold.randn(*y.shape)
        gx, gw = torch.autograd.grad(y, [x, w], g)
        gold.add("weighted " + name, {}, x=x, w=w, y=y, g=g, gx=gx, gw=gw)
    t, classes = gold.randn(3, 4), torch.tensor([2, 0, 3])
    weights = torch.tensor([1.0, 2.0, 0.5, 3.0], dtype=torch.float64)
    for name, fn, target in [
        ("AbsCriterion", F.l1_loss, t), ("SmoothL1Criterion", F.smooth_l1_loss, t),
        ("SmoothL1Criterion sum", lambda x, t: F.smooth_l1_loss(x, t, reduction="sum"), t),
        ("MarginCriterion", lambda x, t: F.relu(0.5 - x * t).mean(), t.sign()),
        ("DistKLDivCriterion", lambda x, t: F.kl_div(x, t, reduction="mean"), t.softmax(1)),
        ("ClassNLLCriterion", F.nll_loss, classes), ("ClassNLLCriterion weights", lambda x, t: F.nll_loss(x, t, weights), classes),
        ("ClassNLLCriterion sum", lambda x, t: F.nll_loss(x, t, weights, reduction="sum"), classes),
        ("CrossEntropyCriterion", F.cross_entropy, classes),
        ("CrossEntropyCriterion weights", lambda x, t: F.cross_entropy(x, t, weights), classes),
    ]:
        x, = leaves(gold.randn(3, 4))
        y = fn(x, target)
        target = target + 1.0 if target is classes else target  # Lua counts from 1
        gold.add("loss " + name, {}, x=x, t=target.double(), weights=weights, y=y, gx=torch.autograd.grad(y, x)[0])
    gold.write()


def gan_layers():
    """Layers that GAN papers brought: a case's name is what tests/gold/gan_layers_spec.lua makes of it in Lua.

    x1, x2 ... are the inputs, p.NAME the tensors of the layer by name, y the output, g its gradient, gx1 ... and gp.NAME the gradients.
    """
    gold = Gold("gan_layers", 7)

    def case(name, inputs, tensors, fn, labels=None, after=None):
        xs, ps = leaves(*inputs), dict(zip(tensors, leaves(*tensors.values())))
        y = fn(*xs, **ps)
        g = gold.randn(*y.shape)
        wanted = xs + list(ps.values())
        found = torch.autograd.grad(y, wanted, g, allow_unused=True)
        kept = {"x%d" % (i + 1): x for i, x in enumerate(xs)}
        kept.update({"gx%d" % (i + 1): gx for i, gx in enumerate(found[:len(xs)])})
        for (key, p), gp in zip(ps.items(), found[len(xs):]):
            kept["p." + key.replace("__", ".").lstrip("_")] = p
            if gp is not None:
                kept["gp." + key.replace("__", ".").lstrip("_")] = gp
        if labels is not None:
            kept["labels"] = labels.double() + 1  # Lua counts from 1
        kept.update(after() if after else {})
        gold.add(name, {}, y=y, g=g, **kept)

    r = gold.randn
    w4, b4 = r(4), r(4)
    case("GroupNormalization", [r(2, 4, 3, 2)], dict(weight=w4, bias=b4), lambda x, weight, bias: F.group_norm(x, 2, weight, bias, 1e-5))
    case("GroupNormalization plain", [r(3, 4)], {}, lambda x: F.group_norm(x, 2))
    case("LayerNormalization", [r(2, 4, 3, 2)], dict(weight=w4, bias=b4), lambda x, weight, bias: F.group_norm(x, 1, weight, bias, 1e-5))
    case("LayerNormalization rows", [r(3, 4)], dict(weight=w4, bias=b4), lambda x, weight, bias: F.layer_norm(x, (4,), weight, bias, 1e-5))
    case("InstanceNormalization", [r(2, 4, 3, 2)], dict(weight=w4, bias=b4), lambda x, weight, bias: F.instance_norm(x, None, None, weight, bias))
    case("PixelNormalization", [r(2, 3, 2, 2)], {}, lambda x: x / torch.sqrt((x ** 2).mean(1, True) + 1e-8))

    labels = torch.tensor([2, 0, 2])
    for train in [True, False]:
        mean, var = r(4), r(4).abs() + 0.5
        before = {"p.running_mean": mean.clone(), "p.running_var": var.clone()}
        case("ConditionalBatchNormalization " + ("train" if train else "eval"), [r(3, 4, 2, 2)], dict(weight=r(3, 4), bias=r(3, 4)),
             lambda x, weight, bias: F.batch_norm(x, mean, var, None, None, train) * weight[labels][:, :, None, None] + bias[labels][:, :, None, None],
             labels, lambda: dict(before, mean_after=mean, var_after=var))
    case("LookupTable", [], dict(weight=r(3, 4)), lambda weight: F.embedding(labels, weight), labels)

    def spectral(weight, u, full=False):
        """Miyato et al. 2018, algorithm 1, and W / sigma with u and v constants."""
        matrix = (weight.transpose(0, 1) if full else weight).flatten(1)
        with torch.no_grad():
            v = F.normalize(matrix.t() @ u, dim=0)
            u = F.normalize(matrix @ v, dim=0)
        return weight / (u @ matrix @ v)

    def unit(n): return F.normalize(r(n), dim=0)
    case("SpectralNorm conv", [r(2, 2, 4, 4)], dict(u=unit(3), _1__weight=r(3, 2, 3, 3), _1__bias=r(3)),
         lambda x, u, _1__weight, _1__bias: F.conv2d(x, spectral(_1__weight, u), _1__bias, 1, 1))
    case("SpectralNorm full", [r(2, 2, 3, 3)], dict(u=unit(3), _1__weight=r(2, 3, 4, 4), _1__bias=r(3)),
         lambda x, u, _1__weight, _1__bias: F.conv_transpose2d(x, spectral(_1__weight, u, True), _1__bias, 2, 1))
    case("SpectralNorm linear", [r(3, 4)], dict(u=unit(2), _1__weight=r(2, 4), _1__bias=r(2)),
         lambda x, u, _1__weight, _1__bias: F.linear(x, spectral(_1__weight, u), _1__bias))

    def stddev(x, group):
        """Image i is in group i mod (N / group): as in the authors' program."""
        n = x.shape[0]
        column = torch.empty(n, 1, *x.shape[2:], dtype=x.dtype)
        for first in range(n // group):
            members = x[first::n // group]
            column[first::n // group] = (members.var(0, unbiased=False) + 1e-8).sqrt().mean()
        return torch.cat([x, column], 1)
    case("MinibatchStandardDeviation", [r(4, 2, 2, 3)], {}, lambda x: stddev(x, 2))
    case("MinibatchStandardDeviation whole", [r(3, 5)], {}, lambda x: stddev(x, 3))

    def discrimination(x, weight):
        m, rows = (x @ weight).view(4, 3, 2), []
        for i in range(4):
            rows.append(torch.stack([sum(torch.exp(-(m[i, b] - m[j, b]).abs().sum()) for j in range(4)) for b in range(3)]))
        return torch.cat([x, torch.stack(rows)], 1)
    case("MinibatchDiscrimination", [r(4, 5)], dict(weight=r(5, 6, scale=0.5)), discrimination)

    def attention(x, weight, _1__weight, _2__weight, _3__weight, _4__weight):
        f, g, h = [F.conv2d(x, w).flatten(2) for w in (_1__weight, _2__weight, _3__weight)]
        beta = torch.softmax(torch.einsum("nci,ncj->nij", f, g), 1)
        o = torch.einsum("nci,nij->ncj", h, beta).view(x.shape[0], -1, *x.shape[2:])
        return x + weight * F.conv2d(o, _4__weight)
    case("SelfAttention", [r(2, 4, 2, 3)], dict(weight=r(1), _1__weight=r(2, 4, 1, 1), _2__weight=r(2, 4, 1, 1), _3__weight=r(2, 4, 1, 1),
                                                _4__weight=r(4, 2, 1, 1)), attention)
    case("Residual", [r(2, 2, 3, 3)], dict(_1__1__weight=r(4, 2, 3, 3), _1__1__bias=r(4), _2__weight=r(4, 2, 1, 1), _2__bias=r(4)),
         lambda x, _1__1__weight, _1__1__bias, _2__weight, _2__bias:
         torch.tanh(F.conv2d(x, _1__1__weight, _1__1__bias, 1, 1)) + F.conv2d(x, _2__weight, _2__bias))
    case("EqualizedLearningRate", [r(2, 2, 3, 3)], dict(_1__weight=r(3, 2, 3, 3), _1__bias=r(3)),
         lambda x, _1__weight, _1__bias: F.conv2d(x, _1__weight * (2 / 18) ** 0.5, _1__bias, 1, 1))
    case("EqualizedLearningRate rate", [r(3, 4)], dict(_1__weight=r(2, 4, scale=100), _1__bias=r(2)),
         lambda x, _1__weight, _1__bias: F.linear(x, _1__weight * 0.5 * 0.01, _1__bias * 0.01))
    case("AdaptiveInstanceNormalization", [r(2, 3, 2, 2), r(2, 4)], dict(_1__weight=r(6, 4), _1__bias=r(6)),
         lambda x, s, _1__weight, _1__bias: F.instance_norm(x) * (1 + F.linear(s, _1__weight, _1__bias)[:, :3, None, None])
         + F.linear(s, _1__weight, _1__bias)[:, 3:, None, None])

    def modulated(x, s, weight, bias, _1__weight, _1__bias, demodulate=True):
        """Each image's own kernels, as a convolution in groups."""
        n, c, h, w = x.shape
        kernels = weight[None] * (1 + F.linear(s, _1__weight, _1__bias))[:, None, :, None, None]
        if demodulate:
            kernels = kernels / ((kernels ** 2).sum((2, 3, 4), True) + 1e-8).sqrt()
        y = F.conv2d(x.reshape(1, n * c, h, w), kernels.flatten(0, 1), None, 1, 1, 1, n)
        return y.view(n, -1, h, w) + bias[:, None, None]
    for name, demodulate in [("SpatialModulatedConvolution", True), ("SpatialModulatedConvolution plain", False)]:
        case(name, [r(2, 2, 3, 4), r(2, 3)], dict(weight=r(4, 2, 3, 3), bias=r(4), _1__weight=r(2, 3), _1__bias=r(2)),
             lambda x, s, demodulate=demodulate, **p: modulated(x, s, demodulate=demodulate, **p))
    case("Projection", [r(3, 4)], dict(_1__weight=r(1, 4), _1__bias=r(1), _2__weight=r(3, 4)),
         lambda x, _1__weight, _1__bias, _2__weight: F.linear(x, _1__weight, _1__bias) + (_2__weight[labels] * x).sum(1, True), labels)

    def virtual(x, reference, weight, bias):
        """Salimans et al. 2016: means and mean squares of the reference batch and of one image, in the shares R and 1."""
        over, share = (0, 2, 3), 1 / (reference.shape[0] + 1)
        mean, square = reference.mean(over), (reference ** 2).mean(over)
        rows = []
        for image in x:
            m = (1 - share) * mean + share * image.mean((1, 2))
            q = (1 - share) * square + share * (image ** 2).mean((1, 2))
            rows.append((image - m[:, None, None]) / (q - m ** 2 + 1e-5).sqrt()[:, None, None] * weight[:, None, None] + bias[:, None, None])
        return torch.stack(rows)
    case("VirtualBatch", [r(2, 3, 2, 2)], dict(reference=r(4, 3, 2, 2), _1__weight=r(3), _1__bias=r(3)),
         lambda x, reference, _1__weight, _1__bias: virtual(x, reference, _1__weight, _1__bias))
    case("PixelShuffle", [r(2, 8, 2, 3)], {}, lambda x: F.pixel_shuffle(x, 2))
    gold.write()


if __name__ == "__main__":
    convolutions()
    layers()
    modules()
    gan_layers()
    adam()
    dcgan()
    wgan_gp()
