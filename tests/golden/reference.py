# SPDX-License-Identifier: Apache-2.0
"""The model in PyTorch, written from the papers' equations, step by step and without a kernel:
what golden data are made with, and what files are exchanged with.

A configuration `c` is a dict of the model's settings by their names ("mixer", "width", "alg", ...),
as minrnn_model_setting lists them and as model files hold them. Parameters are a dict by the names
of the public implementations. Shapes are [batch, time, channels]; reset is [batch, time], 1 where a
document begins.
"""

import math

import torch
from torch.nn import functional

EPSILON = 1e-6  # of the norms


def inner_of(c):
    return int(c["width"] * c["expansion"])


def gates_of(c):
    return {"mingru": 2, "minlstm": 3, "gru": 3, "lstm": 4}[c["mixer"]]


def is_recurrent(c):
    """Whether its gates read the state before: nn.GRU, nn.LSTM."""
    return c["mixer"] in ("gru", "lstm")


def is_mamba(c):
    return c["mixer"] == "mamba"


def rank_of(c):
    """Of Mamba's steps."""
    return c["rank"] or math.ceil(c["width"] / 16)


def state_size(c):
    """Elements of the state that a mixer carries, of one stream."""
    if is_mamba(c):
        return (c["taps"] - 1 + c["states"]) * inner_of(c)
    return inner_of(c) * (2 if c["mixer"] == "lstm" else 1)


def mamba_shapes(c):
    width, inner, rank, states = c["width"], inner_of(c), rank_of(c), c["states"]
    return {"in_proj.weight": ((2 * inner, width), True),
            "conv1d.weight": ((inner, 1, c["taps"]), True),
            "conv1d.bias": ((inner,), False),
            "x_proj.weight": ((rank + 2 * states, inner), True),
            "dt_proj.weight": ((inner, rank), True),
            "dt_proj.bias": ((inner,), False),
            "A_log": ((inner, states), False),
            "D": ((inner,), False),
            "out_proj.weight": ((width, inner), True)}


def mixer_shapes(c):
    """Name -> (shape, decays) of the mixer's own, in its order."""
    if is_mamba(c):
        return mamba_shapes(c)
    width, inner, gates = c["width"], inner_of(c), gates_of(c)
    shapes = {}
    if is_recurrent(c):
        shapes["weight_ih_l0"] = ((gates * inner, width), False)
        shapes["weight_hh_l0"] = ((gates * inner, inner), False)
        if c["bias"]:
            shapes["bias_ih_l0"] = ((gates * inner,), False)
            shapes["bias_hh_l0"] = ((gates * inner,), False)
    else:
        shapes["to_hidden_and_gate.weight"] = ((gates * inner, width), False)
        if c["bias"]:
            shapes["to_hidden_and_gate.bias"] = ((gates * inner,), False)
    if inner != width or c["project"]:
        shapes["to_out.weight"] = ((width, inner), False)
        if c["bias"]:
            shapes["to_out.bias"] = ((width,), False)
    if c.get("learned_init"):
        shapes["init_hidden_state"] = ((inner,), False)
    return shapes


def parameter_shapes(c):
    """Name -> (shape, decays), in the model's order."""
    width = c["width"]
    shapes = {"token_emb.weight": ((c["vocab"], width), True)}
    for layer in range(c["layers"]):
        p = f"layers.{layer}."
        if c["conv"]:
            shapes[p + "0.net.0.weight"] = ((width, 1, c["conv"]), True)
            shapes[p + "0.net.0.bias"] = ((width,), False)
        if c["conv_pointwise"]:
            shapes[p + "0.net.1.weight"] = ((width, width, 1), True)
            shapes[p + "0.net.1.bias"] = ((width,), False)
        shapes[p + "1.weight"] = ((width,), False)
        for name, shape in mixer_shapes(c).items():
            shapes[p + "2." + name] = shape
        if c["feed_forward"] != "none":
            factor = int(width * c["feed_forward_factor"])
            into = 2 * factor if c["feed_forward"] == "geglu" else factor
            shapes[p + "3.weight"] = ((width,), False)
            shapes[p + "4.0.weight"] = ((into, width), True)
            shapes[p + "4.0.bias"] = ((into,), False)
            shapes[p + "4.2.weight"] = ((width, factor), True)
            shapes[p + "4.2.bias"] = ((width,), False)
    shapes["norm.weight"] = ((width,), False)
    shapes["to_logits.weight"] = ((c["vocab"], width), True)
    return shapes


def rms_norm(x, gain):
    return x / torch.sqrt((x * x).mean(-1, keepdim=True) + EPSILON) * gain


def g(x):
    return torch.where(x >= 0, x + 0.5, torch.sigmoid(x))


def log_g(x):
    return torch.where(x >= 0, torch.log(functional.relu(x) + 0.5), -functional.softplus(-x))


def convolution(c, p, x, reset):
    """Term by term, so that a reset can cut each tap where it lies."""
    weight, bias = p["0.net.0.weight"], p["0.net.0.bias"]
    taps = c["conv"]
    documents = torch.cumsum(reset, 1)
    rows = []
    for t in range(x.shape[1]):
        row = bias.expand(x.shape[0], -1)
        for k in range(taps):
            source = t - (taps - 1) + k
            if source >= 0:
                same = (documents[:, source] == documents[:, t]).to(x.dtype)[:, None]
                row = row + same * weight[:, 0, k] * x[:, source]
        rows.append(row)
    y = torch.stack(rows, 1)
    if c["conv_pointwise"]:
        y = y @ p["0.net.1.weight"][:, :, 0].T + p["0.net.1.bias"]
    return y


def scan_linear(c, parts, init, reset):
    """h_t = a_t h_{t-1} + b_t, one step after the other, from the gates themselves."""
    candidate = g(parts[0]) if c["candidate"] == "g" else parts[0]
    if c["mixer"] == "minlstm":
        f = torch.sigmoid(parts[1] + c["forget_offset"])
        i = torch.sigmoid(parts[2])
        a, b = (f / (f + i), i / (f + i)) if c["normalised"] else (f, i)
    else:
        b = torch.sigmoid(parts[1])
        a = 1 - b
    if init is None:
        initial = torch.zeros_like(b[:, 0])  # also if the candidate is g
    else:
        initial = (g(init) if c["candidate"] == "g" else init).expand_as(b[:, 0])
    h, states = initial, []
    for t in range(b.shape[1]):
        h = torch.where(reset[:, t, None] > 0, initial, h)
        h = a[:, t] * h + b[:, t] * candidate[:, t]
        states.append(h)
    return torch.stack(states, 1)


def scan_log(c, parts, init, reset):
    """The same in logarithms (appendix B.2): log h_t = logaddexp(log a_t + log h_{t-1}, log b_t)."""
    if c["mixer"] == "minlstm":
        log_f = -functional.softplus(-(parts[1] + c["forget_offset"]))
        log_i = -functional.softplus(-parts[2])
        both = torch.logaddexp(log_f, log_i) if c["normalised"] else 0.0
        log_a, log_z = log_f - both, log_i - both
    else:
        log_a, log_z = -functional.softplus(parts[1]), -functional.softplus(-parts[1])
    log_b = log_z + log_g(parts[0])
    initial = torch.full_like(log_b[:, 0], -math.inf) if init is None else \
        log_g(init).expand_as(log_b[:, 0])
    log_h, states = initial, []
    for t in range(log_b.shape[1]):
        log_h = torch.where(reset[:, t, None] > 0, initial, log_h)
        log_h = torch.logaddexp(log_a[:, t] + log_h, log_b[:, t])
        states.append(log_h)
    return torch.exp(torch.stack(states, 1))


def scan(c, pre_activations, init, reset):
    """The states [batch, time, inner] from the gates' pre-activations side by side."""
    parts = pre_activations.chunk(gates_of(c), -1)
    return (scan_log if c["alg"] == "log" else scan_linear)(c, parts, init, reset)


def torch_recurrence(c, p, x, state):
    """What nn.GRU and nn.LSTM call: the states of [time, 1, width], and the last [1, parts * inner]."""
    inner = inner_of(c)
    weights = [p["2." + name] for name in mixer_shapes(c) if not name.startswith("to_out")]
    options = (weights, c["bias"], 1, 0.0, False, False, False)
    if c["mixer"] == "lstm":
        parts = (state[:, :inner].contiguous()[None], state[:, inner:].contiguous()[None])
        h, last_h, last_c = torch._VF.lstm(x, parts, *options)
        return h, torch.cat([last_h[0], last_c[0]], 1)
    h, last = torch._VF.gru(x, state[None], *options)
    return h, last[0]


def paper_gru(c, p, x, state):
    """The same with the reset before the product, as the papers write it: h = (1 - z) h + z n. Their z is
    1 - z of torch's: the same rows with the other sign."""
    inner = inner_of(c)
    zeros = torch.zeros(3 * inner, dtype=x.dtype)
    of_x = x @ p["2.weight_ih_l0"].T + p.get("2.bias_ih_l0", zeros)
    weight, bias = p["2.weight_hh_l0"], p.get("2.bias_hh_l0", zeros)
    states = []
    for row in of_x:
        r, z, n = row.chunk(3, -1)
        r = torch.sigmoid(r + state @ weight[:inner].T + bias[:inner])
        z = torch.sigmoid(-z + state @ -weight[inner:2 * inner].T - bias[inner:2 * inner])
        n = torch.tanh(n + (r * state) @ weight[2 * inner:].T + bias[2 * inner:])
        state = (1 - z) * state + z * n
        states.append(state)
    return torch.stack(states), state


def recurrence(c, p, x, reset, state=None):
    """The states [batch, time, inner], document by document, and the last [batch, parts * inner]."""
    run = paper_gru if c.get("reset_gate") == "before" else torch_recurrence
    none = torch.zeros(1, state_size(c), dtype=x.dtype)
    outputs, lasts = [], []
    for b in range(x.shape[0]):
        last = none if state is None else state[b:b + 1]
        ends = [t for t in range(1, x.shape[1]) if reset[b, t]] + [x.shape[1]]
        rows, begin = [], 0
        for end in ends:
            h, last = run(c, p, x[b, begin:end, None], none if reset[b, begin] else last)
            rows.append(h[:, 0])
            begin = end
        outputs.append(torch.cat(rows))
        lasts.append(last[0])
    return torch.stack(outputs), torch.stack(lasts)


def mamba(c, p, v, reset, state=None):
    """Mamba's block step by step, and the state after it: the convolution's last inputs, then the scan's
    state h. arXiv 2312.00752, algorithm 2; B is made discrete by Euler's rule, as the authors' code does."""
    inner, states, rank = inner_of(c), c["states"], rank_of(c)
    w = {name: p["2." + name] for name in mamba_shapes(c)}
    x, z = (v @ w["in_proj.weight"].T).chunk(2, -1)
    if state is None:
        state = torch.zeros(v.shape[0], state_size(c), dtype=v.dtype)
    split = (c["taps"] - 1) * inner
    before = state[:, :split].reshape(-1, c["taps"] - 1, inner)
    h = state[:, split:].reshape(-1, inner, states)
    outputs = []
    for t in range(v.shape[1]):
        goes_on = (1 - reset[:, t].to(v.dtype))[:, None, None]
        window = torch.cat([goes_on * before, x[:, t, None]], 1)
        u = functional.silu((window * w["conv1d.weight"][:, 0].T).sum(1) + w["conv1d.bias"])
        r, of_input, of_output = (u @ w["x_proj.weight"].T).split([rank, states, states], -1)
        step = torch.log1p(torch.exp(r @ w["dt_proj.weight"].T + w["dt_proj.bias"]))[..., None]
        a = torch.exp(-step * torch.exp(w["A_log"]))
        h = a * (goes_on * h) + step * of_input[:, None] * u[..., None]
        y = (of_output[:, None] * h).sum(-1) + w["D"] * u
        outputs.append(y * functional.silu(z[:, t]))
        before = window[:, 1:]
    last = torch.cat([before.flatten(1), h.flatten(1)], 1)
    return torch.stack(outputs, 1) @ w["out_proj.weight"].T, last


def carrying_mixer(c, p, x, reset, state):
    """Of mixers that hand their state on as it is: the output, and the last state [batch, state_size]."""
    if is_mamba(c):
        return mamba(c, p, x, reset, state)
    h, last = recurrence(c, p, x, reset, state)
    return project(c, p, h), last


def mixer(c, p, x, reset):
    if is_mamba(c) or is_recurrent(c):
        return carrying_mixer(c, p, x, reset, None)[0]
    y = x @ p["2.to_hidden_and_gate.weight"].T
    if c["bias"]:
        y = y + p["2.to_hidden_and_gate.bias"]
    return project(c, p, scan(c, y, p.get("2.init_hidden_state"), reset))


def project(c, p, h):
    if "2.to_out.weight" in p:
        h = h @ p["2.to_out.weight"].T
        if c["bias"]:
            h = h + p["2.to_out.bias"]
    return h


def feed_forward(c, p, x):
    y = x @ p["4.0.weight"].T + p["4.0.bias"]
    if c["feed_forward"] == "geglu":
        u, v = y.chunk(2, -1)
        y = u * functional.gelu(v)
    else:
        y = functional.gelu(y)
    return y @ p["4.2.weight"].T + p["4.2.bias"]


def model(c, parameters, tokens, reset=None):
    """The logits [batch, time, vocab]."""
    reset = torch.zeros_like(tokens) if reset is None else reset
    x = parameters["token_emb.weight"][tokens]
    for layer in range(c["layers"]):
        prefix = f"layers.{layer}."
        p = {n[len(prefix):]: v for n, v in parameters.items() if n.startswith(prefix)}
        if c["conv"]:
            x = x + convolution(c, p, x, reset)
        x = x + mixer(c, p, rms_norm(x, p["1.weight"]), reset)
        if c["feed_forward"] != "none":
            x = x + feed_forward(c, p, rms_norm(x, p["3.weight"]))
    return rms_norm(x, parameters["norm.weight"]) @ parameters["to_logits.weight"].T
