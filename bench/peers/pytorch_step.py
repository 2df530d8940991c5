"""One DCGAN update (Adam, cross-entropy on logits) in PyTorch, a step for each line on standard input.

usage: pytorch_step.py SIZE BATCH BASE KERNEL CHANNELS THREADS HOW
KERNEL: 4, dcgan.torch's networks; 5, the paper's. HOW: plain, as a user writes it; tuned: what helps most on a CPU.
Prints "ready", then the seconds of each step. Tuned: transposed convolutions as oneDNN's convolution_backward (PyTorch's own
path for them does not use it), and no gradients of D's weights in G's update.
"""
import sys
import time

import torch
import torch.nn as nn

size, batch, base, kernel, channels, threads = (int(a) for a in sys.argv[1:7])
tuned = sys.argv[7] == 'tuned'
pad, extra = (1, 0) if kernel == 4 else (2, 1)
torch.set_num_threads(threads)
torch.manual_seed(1)


class TransposedFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w, stride, pad, extra):
        ctx.save_for_backward(x, w)
        ctx.how = stride, pad
        side = (x.shape[2] - 1) * stride - 2 * pad + w.shape[2] + extra
        like = torch.empty(x.shape[0], w.shape[1], side, side)
        return torch.ops.aten.convolution_backward(x.contiguous(), like, w, None, [stride] * 2, [pad] * 2, [1, 1], False, [0, 0], 1,
                                                   [True, False, False])[0]

    @staticmethod
    def backward(ctx, g):
        (x, w), (stride, pad) = ctx.saved_tensors, ctx.how
        g = g.contiguous()
        gx = nn.functional.conv2d(g, w, None, stride, pad) if ctx.needs_input_grad[0] else None
        gw = None
        if ctx.needs_input_grad[1]:
            gw = torch.ops.aten.convolution_backward(x, g, w, None, [stride] * 2, [pad] * 2, [1, 1], False, [0, 0], 1, [False, True, False])[1]
        return gx, gw, None, None, None


class Transposed(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride, pad, extra):
        super().__init__()
        self.weight, self.how = nn.Parameter(torch.randn(inputs, outputs, kernel, kernel) * 0.02), (stride, pad, extra)

    def forward(self, x):
        return TransposedFunction.apply(x, self.weight, *self.how)


def up(inputs, outputs, kernel, stride, pad, extra):
    if tuned:
        return Transposed(inputs, outputs, kernel, stride, pad, extra)
    return nn.ConvTranspose2d(inputs, outputs, kernel, stride, pad, extra, bias=False)


stages = {16: 2, 32: 3, 64: 4, 128: 5}[size]
width = base * 2 ** (stages - 1)
if kernel == 4:
    layers = [nn.Unflatten(1, (100, 1, 1)), up(100, width, 4, 1, 0, 0), nn.BatchNorm2d(width), nn.ReLU(True)]
else:
    layers = [nn.Linear(100, width * 16, bias=False), nn.BatchNorm1d(width * 16), nn.ReLU(True), nn.Unflatten(1, (width, 4, 4))]
for _ in range(stages - 1):
    layers += [up(width, width // 2, kernel, 2, pad, extra), nn.BatchNorm2d(width // 2), nn.ReLU(True)]
    width //= 2
G = nn.Sequential(*layers, up(width, channels, kernel, 2, pad, extra), nn.Tanh())
layers = [nn.Conv2d(channels, base, kernel, 2, pad, bias=False), nn.LeakyReLU(0.2, True)]
for _ in range(stages - 1):
    layers += [nn.Conv2d(width, width * 2, kernel, 2, pad, bias=False), nn.BatchNorm2d(width * 2), nn.LeakyReLU(0.2, True)]
    width *= 2
if kernel == 4:
    layers += [nn.Conv2d(width, 1, 4, 1, 0, bias=False), nn.Flatten()]
else:
    layers += [nn.Flatten(), nn.Linear(width * 16, 1, bias=False)]
D = nn.Sequential(*layers)
loss = nn.BCEWithLogitsLoss()
adam_g, adam_d = (torch.optim.Adam(net.parameters(), 2e-4, (0.5, 0.999)) for net in (G, D))
real = torch.rand(batch, channels, size, size) * 2 - 1
ones, zeros = torch.ones(batch, 1), torch.zeros(batch, 1)


def step():
    D.zero_grad(set_to_none=True)
    loss(D(real), ones).backward()
    fake = G(torch.randn(batch, 100))
    loss(D(fake.detach()), zeros).backward()
    adam_d.step()
    G.zero_grad(set_to_none=True)
    if tuned:
        D.requires_grad_(False)
    loss(D(fake), ones).backward()
    if tuned:
        D.requires_grad_(True)
    adam_g.step()


step()
print('ready', flush=True)
for _ in sys.stdin:
    start = time.perf_counter()
    step()
    print('%.6f' % (time.perf_counter() - start), flush=True)
