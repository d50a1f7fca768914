"""Writes golden.json: what PyTorch computes for each operation of the numeric core, with gradients.

usage: python make_golden.py > golden.json      (torch 2.x, CPU)
"""
import json

import torch
import torch.nn.functional as F

torch.manual_seed(0)
torch.set_num_threads(1)
out = {}
flat = lambda t: [round(float(v), 9) for v in t.detach().double().flatten()]

x = torch.cat([torch.linspace(-6, 6, 25), torch.tensor([-100.0, -30.0, 1e-4, 30.0, 80.0])])
functions = dict(identity=lambda v: v * 1, silu=F.silu, relu=F.relu, elu=F.elu, tanh=torch.tanh, mish=F.mish, softplus=F.softplus, sigmoid=torch.sigmoid)
out["activations"] = {"x": flat(x)}
for name, f in functions.items():
    v = x.clone().requires_grad_()
    y = f(v)
    y.sum().backward()
    out["activations"][name] = {"y": flat(y), "d": flat(v.grad)}

# One network with every layer and loss: 7 rows, 2 members, 5 -> 19 (layer norm, mish) -> 2 * 3 Gaussian + 1 logit.
M, B = 2, 7
r = lambda *s: torch.randn(*s) * 0.5
p = dict(w0=r(M, 5, 19), b0=r(M, 1, 19), gain=1 + r(M, 1, 19), shift=r(M, 1, 19), w1=r(M, 19, 7), b1=r(M, 1, 7),
         min=torch.full((1, 1, 3), -3.0), max=torch.full((1, 1, 3), 0.5))
x, y, label, weight = r(M, B, 5), r(M, B, 3), (r(M, B, 1) > 0).float(), torch.rand(M, B, 1)
net = {"members": M, "rows": B, "x": flat(x), "y": flat(y), "label": flat(label), "weight": flat(weight), "start": {k: flat(v) for k, v in p.items()}}
x.requires_grad_()
p = {k: v.requires_grad_() for k, v in p.items()}


def loss():
    h = torch.baddbmm(p["b0"], x, p["w0"])
    mean, var = h.mean(-1, keepdim=True), h.var(-1, keepdim=True, unbiased=False)
    h = F.mish((h - mean) / torch.sqrt(var + 1e-5) * p["gain"] + p["shift"])
    o = torch.baddbmm(p["b1"], h, p["w1"])
    m, lv, logit = o[..., :3], o[..., 3:6], o[..., 6:]
    lv = p["max"] - F.softplus(p["max"] - lv)
    lv = p["min"] + F.softplus(lv - p["min"])
    nll = (weight * ((m - y).square() * torch.exp(-lv) + lv)).mean((1, 2)).sum()
    mse = (m - y).square().mean((1, 2)).sum()
    bce = (weight * F.binary_cross_entropy_with_logits(logit, label, reduction="none")).mean((1, 2)).sum()
    penalty = 0.01 * (p["max"].sum() - p["min"].sum()) + 0.003 * p["w0"].square().sum()
    return nll + 0.25 * mse + 0.5 * bce + penalty


l = loss()
l.backward()
net["loss"] = float(l.detach())
net["gradients"] = {k: flat(v.grad) for k, v in p.items()}
net["input_gradient"] = flat(x.grad)
optimiser = torch.optim.AdamW(list(p.values()), lr=1e-2, weight_decay=0.1)
net["losses"] = []
for _ in range(5):
    optimiser.zero_grad()
    l = loss()
    l.backward()
    torch.nn.utils.clip_grad_norm_(list(p.values()), 1.5)
    optimiser.step()
    net["losses"].append(float(l.detach()))
net["end"] = {k: flat(v) for k, v in p.items()}
out["network"] = net
print(json.dumps(out, separators=(",", ":")))
