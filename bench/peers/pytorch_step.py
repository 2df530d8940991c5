"""One DCGAN update (Adam, cross-entropy on logits) in PyTorch, or images made by G; a step for each line on standard input.

usage: pytorch_step.py KEY=VALUE ...
size, batch, base, kernel (4: dcgan.torch's networks; 5: the paper's), channels, threads, data (an .npy file of bytes, N x C x H x W),
what (step or sample), how: plain, as a user writes it; tuned: what helps most on a CPU; bfloat16: tuned, under autocast.
Prints "ready", then the seconds of each step; for the line "memory" the most memory that was held, in MB. Tuned: transposed convolutions
as oneDNN's convolution_backward (PyTorch's own path for them does not use it), and no gradients of D's weights in G's update.
"""
import contextlib
import sys
import time

import numpy
import torch
import torch.nn as nn

settings = dict(size='64', batch='128', base='64', kernel='4', channels='3', threads='2', data='', what='step', how='plain')
settings.update(argument.split('=', 1) for argument in sys.argv[1:])
size, batch, base, kernel, channels, threads = (int(settings[k]) for k in ('size', 'batch', 'base', 'kernel', 'channels', 'threads'))
tuned, half = settings['how'] != 'plain', settings['how'] == 'bfloat16'
pad, extra = (1, 0) if kernel == 4 else (2, 1)
torch.set_num_threads(threads)
torch.manual_seed(1)


def precision():
    return torch.autocast('cpu', dtype=torch.bfloat16) if half else contextlib.nullcontext()


class TransposedFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w, stride, pad, extra):
        ctx.save_for_backward(x, w)
        ctx.how = stride, pad
        side = (x.shape[2] - 1) * stride - 2 * pad + w.shape[2] + extra
        like = torch.empty(x.shape[0], w.shape[1], side, side, dtype=x.dtype)
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
        x, w = (x.bfloat16(), self.weight.bfloat16()) if half else (x, self.weight)
        return TransposedFunction.apply(x, w, *self.how)


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
ones, zeros = torch.ones(batch, 1), torch.zeros(batch, 1)
pictures = torch.from_numpy(numpy.load(settings['data'])) if settings['data'] else torch.randint(0, 256, (1024, channels, size, size), dtype=torch.uint8)


def score(images, wanted):
    with precision():
        logits = D(images)
    return loss(logits.float(), wanted)


def update():
    real = pictures[torch.randint(0, len(pictures), (batch,))].float() / 127.5 - 1
    D.zero_grad(set_to_none=True)
    score(real, ones).backward()
    with precision():
        fake = G(torch.randn(batch, 100))
    score(fake.detach(), zeros).backward()
    adam_d.step()
    G.zero_grad(set_to_none=True)
    if tuned:
        D.requires_grad_(False)
    score(fake, ones).backward()
    if tuned:
        D.requires_grad_(True)
    adam_g.step()


def sample():
    with torch.no_grad(), precision():
        for start in range(0, batch, 64):
            G(torch.randn(min(64, batch - start), 100)).float()


def peak_memory():
    for line in open('/proc/self/status'):
        if line.startswith('VmHWM:'):
            return int(line.split()[1]) / 1024


step = update
if settings['what'] == 'sample':
    G.eval()
    step = sample
for _ in range(2):
    step()
print('ready', flush=True)
for line in sys.stdin:
    if line.strip() == 'memory':
        print('%.1f' % peak_memory(), flush=True)
        continue
    start = time.perf_counter()
    step()
    print('%.6f' % (time.perf_counter() - start), flush=True)
