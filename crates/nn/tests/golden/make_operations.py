"""Writes operations.json: what PyTorch computes for the operations of graphs, with gradients.

usage: python make_operations.py > operations.json      (torch 2.x, CPU)

Each case has inputs [samples][rows][cols], parameters [rows][cols], the result [samples][rows][cols] and the gradients of sum(result * cotangent).
"""
import json
import math

import torch
import torch.distributions as D
import torch.nn.functional as F

torch.manual_seed(0)
torch.set_num_threads(1)
out = {}
flat = lambda t: [float(f"{float(v):.8g}") for v in t.detach().double().flatten()]
r = lambda *s: torch.randn(*s) * 0.8
held = lambda t: (t, False)


def case(name, inputs, parameters, f):
    pairs = [t if isinstance(t, tuple) else (t, True) for t in inputs]
    inputs = [t.clone().requires_grad_(wanted) for t, wanted in pairs]
    parameters = [t.clone().requires_grad_() for t in parameters]
    y = f(*inputs, *parameters)
    assert y.dim() == 3, (name, y.shape)
    cotangent = torch.randn_like(y)
    (y * cotangent).sum().backward()
    gradient = lambda t: None if t.grad is None else flat(t.grad)
    entry = lambda t: {"shape": list(t.shape), "data": flat(t), "gradient": gradient(t)}
    out[name] = {"inputs": [entry(t) for t in inputs], "parameters": [entry(t) for t in parameters],
                 "shape": list(y.shape), "result": flat(y), "cotangent": flat(cotangent)}


N = 3
groups = lambda x, n: x.unflatten(-1, (-1, n))
case("arithmetic", [r(N, 2, 5), r(N, 2, 5), r(N, 2, 1), r(N, 1, 5)], [], lambda a, b, c, d: ((a + b) * c - d) * 1.5 + 0.25)
case("minimum and maximum", [r(N, 2, 5), r(N, 2, 5)], [], lambda a, b: torch.cat([torch.minimum(a, b), torch.maximum(a, b), a.clamp(min=0.1)], -1))
positive = r(N, 1, 6).abs() + 0.2
case("functions of one number", [positive], [], lambda x: torch.cat([x.exp(), x.log(), x.square(), x.sqrt(), x.reciprocal()], -1))
case("symlog and symexp", [3 * r(N, 1, 6)], [], lambda x: torch.cat([x.abs(), x.sign() * x.abs().log1p(), x.sign() * x.abs().expm1()], -1))
case("detached", [r(N, 1, 4)], [], lambda x: x * x.detach())
case("steps", [r(N, 5, 3)], [], lambda x: torch.cat([x[:, 1:4], x[:, 2:3], torch.full((N, 1, 3), 0.5)], 1))
case("reshaped", [r(N, 4, 6)], [], lambda x: x.square().reshape(N, 3, 8))
case("sums", [r(N, 4, 6)], [], lambda x: groups(x.square(), 3).sum(-1).mean(1, keepdim=True) + x.mean(-1, keepdim=True).sum(1, keepdim=True))
case("linear", [r(N, 2, 5)], [r(5, 7), r(1, 7)], lambda x, w, b: F.silu(x @ w + b))
case("layer norm", [r(N, 2, 19)], [r(1, 19), r(1, 19)], lambda x, g, b: F.mish(F.layer_norm(x, (19,), g[0], b[0], 1e-5)))
case("rms norm", [r(N, 2, 19)], [r(1, 19)], lambda x, g: F.silu(F.rms_norm(x, (19,), g[0], 1e-6)))
case("likelihoods", [r(N, 1, 4), r(N, 1, 4), r(N, 1, 4)], [],
     lambda m, v, y: torch.cat([(m - y).square() * (-v).exp() + v, F.mse_loss(m, y, reduction="none")], -1))
case("bernoulli", [r(N, 1, 4), held((r(N, 1, 4) > 0).float())], [], lambda x, y: F.binary_cross_entropy_with_logits(x, y, reduction="none"))


def bounded(x, low, high):
    y = high - F.softplus(high - x)
    return low + F.softplus(y - low)


case("soft clamp", [r(N, 1, 4)], [r(1, 4) - 2, r(1, 4) + 1], bounded)
case("bounded columns", [r(N, 1, 7)], [r(1, 3) - 2, r(1, 3) + 1],
     lambda x, low, high: torch.cat([x[..., :4], (0.5 * bounded(x[..., 4:], low, high)).exp()], -1))
case("softmax", [2 * r(N, 2, 12)], [], lambda x: torch.cat([groups(x, 4).softmax(-1).flatten(-2), groups(x, 6).log_softmax(-1).flatten(-2)], -1))
case("cross entropy", [2 * r(N, 2, 12), held(groups(r(N, 2, 12), 6).softmax(-1).flatten(-2))], [],
     lambda x, t: -(groups(t, 6) * groups(x, 6).log_softmax(-1)).sum(-1))


def straight_through(x, noise):
    p = groups(x, 6).softmax(-1)
    one_hot = F.one_hot((groups(x, 6).detach() + groups(noise, 6)).argmax(-1), 6).float()
    return (one_hot + p - p.detach()).flatten(-2)


case("straight through", [2 * r(N, 2, 12), held(-torch.log(-torch.log(torch.rand(N, 2, 12))))], [], straight_through)
categorical = lambda x, n: D.OneHotCategorical(logits=groups(x, n))
case("categorical divergence", [r(N, 2, 12), r(N, 2, 12)], [],
     lambda p, q: D.kl_divergence(categorical(p, 6), categorical(q, 6)).sum(-1, keepdim=True))


def balanced(p, q):
    kl = lambda p, q: D.kl_divergence(categorical(p, 6), categorical(q, 6)).sum(-1, keepdim=True)
    return 0.8 * kl(p.detach(), q).clamp(min=1.0) + 0.2 * kl(p, q.detach()).clamp(min=1.0)


case("balanced divergence", [r(N, 4, 12), r(N, 4, 12)], [], balanced)
one_hot = F.one_hot(torch.randint(6, (N, 2, 2)), 6).float().flatten(-2)
case("categorical entropy and probability", [r(N, 2, 12), held(one_hot)], [],
     lambda x, a: torch.cat([categorical(x, 6).entropy(), categorical(x, 6).log_prob(groups(a, 6))], -1))
case("unimix", [2 * r(N, 2, 12)], [], lambda x: (0.99 * groups(x, 6).softmax(-1) + 0.01 / 6).log().flatten(-2))
case("gaussian", [r(N, 1, 4), r(N, 1, 4), r(N, 1, 4), r(N, 1, 4)], [],
     lambda m, s, x, t: torch.cat([D.Normal(m, s.exp()).log_prob(x), D.kl_divergence(D.Normal(m, s.exp()), D.Normal(x, t.exp()))], -1))


def squashed(m, s, noise):
    d = D.TransformedDistribution(D.Normal(m, s.exp()), D.transforms.TanhTransform(cache_size=1))
    action = torch.tanh(m + s.exp() * noise)
    # The density of the draw as a function of the parameters, as soft actor-critic differentiates it.
    u = m + s.exp() * noise
    log_prob = D.Normal(m, s.exp()).log_prob(u) - 2 * (math.log(2) - u - F.softplus(-2 * u))
    assert torch.allclose(log_prob, d.log_prob(action.clamp(-1 + 1e-6, 1 - 1e-6)), atol=1e-2)
    return torch.cat([action, log_prob.sum(-1, keepdim=True)], -1)


case("squashed gaussian", [r(N, 1, 4), r(N, 1, 4), held(r(N, 1, 4))], [], squashed)
bins = torch.linspace(-20, 20, 9)


def two_hot(x):
    x = (x.sign() * x.abs().log1p()).clamp(-20, 20)
    below = ((x + 20) / 5).floor().clamp(0, 7).long()
    share = (x + 20) / 5 - below
    return F.one_hot(below, 9)[..., 0, :] * (1 - share) + F.one_hot(below + 1, 9)[..., 0, :] * share


symexp = lambda x: x.sign() * x.abs().expm1()
case("two-hot", [held(20 * r(N, 4, 1)), r(N, 4, 9)], [],
     lambda x, logits: torch.cat([-(two_hot(x) * logits.log_softmax(-1)).sum(-1, keepdim=True),
                                  symexp((logits.softmax(-1) * bins).sum(-1, keepdim=True) * 0.2)], -1))


def gru(x, h, wi, bi, wh, bh):
    return torch.func.functional_call(torch.nn.GRUCell(5, 7), dict(weight_ih=wi.T, weight_hh=wh.T, bias_ih=bi[0], bias_hh=bh[0]), (x[:, 0], h[:, 0]))[:, None]


def lstm(x, h, c, wi, bi, wh, bh):
    return torch.cat(torch.func.functional_call(torch.nn.LSTMCell(5, 7), dict(weight_ih=wi.T, weight_hh=wh.T, bias_ih=bi[0], bias_hh=bh[0]), (x[:, 0], (h[:, 0], c[:, 0]))), -1)[:, None]


case("gru", [r(N, 1, 5), r(N, 1, 7)], [r(5, 21), r(1, 21), r(7, 21), r(1, 21)], gru)
case("lstm", [r(N, 1, 5), r(N, 1, 7), r(N, 1, 7)], [r(5, 28), r(1, 28), r(7, 28), r(1, 28)], lstm)
image = lambda x, h, w: x.reshape(-1, h, w, x.shape[-1]).permute(0, 3, 1, 2)
rows = lambda y, n: y.permute(0, 2, 3, 1).reshape(n, -1, y.shape[1])
# Two images a sample, 6 x 7 pixels of 3 channels, windows of 4 with stride 2 and padding 1.
case("conv", [r(N, 2 * 42, 3)], [r(48, 5), r(1, 5)],
     lambda x, w, b: rows(F.silu(F.conv2d(image(x, 6, 7), w.reshape(4, 4, 3, 5).permute(3, 2, 0, 1), b[0], 2, 1)), N))
case("conv of stride one", [r(N, 20, 17)], [r(9 * 17, 18), r(1, 18)],
     lambda x, w, b: rows(F.conv2d(image(x, 4, 5), w.reshape(3, 3, 17, 18).permute(3, 2, 0, 1), b[0], 1, 0), N))
case("conv transpose", [r(N, 2 * 12, 5)], [r(5, 48), r(1, 3)],
     lambda x, w, b: rows(torch.tanh(F.conv_transpose2d(image(x, 3, 4), w.reshape(5, 4, 4, 3).permute(0, 3, 1, 2), b[0], 2, 1)), N))
case("embedding", [held(torch.randint(6, (N, 2, 2)).float())], [r(6, 4)], lambda i, t: F.embedding(i.long(), t).flatten(-2))


def lambda_return(reward, value, discount):
    result, ahead = [], value[:, -1]
    for t in reversed(range(reward.shape[1])):
        ahead = reward[:, t] + discount[:, t] * ((1 - 0.9) * value[:, t] + 0.9 * ahead)
        result.append(ahead)
    return torch.stack(result[::-1], 1)


case("lambda return", [r(N, 5, 1), r(N, 5, 1), torch.rand(N, 5, 1)], [], lambda_return)
heads = lambda x: x.unflatten(-1, (2, -1)).transpose(1, 2)
for name, causal in [("attention", False), ("causal attention", True)]:
    case(name, [r(N, 5, 8), r(N, 5, 8), r(N, 5, 6)], [],
         lambda q, k, v: F.scaled_dot_product_attention(heads(q), heads(k), heads(v), is_causal=causal).transpose(1, 2).flatten(-2))


def messages(x, w, b):
    edges = torch.tensor([[0, 1], [1, 2], [2, 0], [3, 0], [0, 3]])
    sent = torch.tanh(torch.cat([x[:, edges[:, 0]], x[:, edges[:, 1]]], -1) @ w + b)
    return torch.zeros(N, 4, 5).index_add(1, edges[:, 1], sent)


case("messages", [r(N, 4, 3)], [r(6, 5), r(1, 5)], messages)
case("mixture", [r(N, 1, 3), r(N, 1, 12), r(N, 1, 12) * 0.5, r(N, 1, 4)], [],
     lambda logits, m, s, y: -D.MixtureSameFamily(D.Categorical(logits=logits), D.Independent(D.Normal(groups(m, 4), groups(s, 4).exp()), 1)).log_prob(y)[..., None])


def quantise(x, codes):
    code = codes[torch.cdist(x, codes[None]).argmin(-1)]
    value = x + (code - x).detach()
    return torch.cat([value, (code - x.detach()).square(), (x - code.detach()).square()], -1)


case("vector quantisation", [r(N, 4, 3)], [r(5, 3)], quantise)
case("standardised", [r(N, 4, 2)], [], lambda x: (x - x.mean((0, 1))) / (x.var((0, 1), unbiased=False) + 1e-5).sqrt())
case("greatest of groups", [r(N, 4, 12)], [], lambda x: groups(x, 4).amax(-1))
print(json.dumps(out, separators=(",", ":")))
