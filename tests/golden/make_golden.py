# SPDX-License-Identifier: Apache-2.0
"""Makes the golden data: models written from the paper's equations in float64 PyTorch, with their
parameters, logits, loss, every gradient, and the losses of ten AdamW steps.

    /usr/bin/python3 tests/golden/make_golden.py tests/golden/data

made the committed files (Debian's python3-torch 1.13). test_golden.c reads them.

A file is one case. All numbers are little-endian:
    8 bytes   "MINGOLD1"
    then until the end of the file one record after the other:
    u32       length of the name, then the name (no zero byte)
    u32       type: 0 float32, 1 int32, 2 float64
    u32       dimensions, 0 to 3, then each as i64
    elements  row-major
Names: config/FIELD (float64 scalars: the fields of the three config structs), parameter/NAME,
gradient/NAME, decays/NAME (0 or 1), tokens, targets and reset [batch, time], logits, losses,
gradient_norm.
"""

import math
import os
import struct
import sys

import numpy
import torch
from torch.nn import functional

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

VOCAB, WIDTH, LAYERS, BATCH, TIME, STEPS = 11, 8, 2, 2, 9, 10
EPSILON = 1e-6

DEFAULTS = dict(
    minlstm=0, expansion=1, g=0, log=0, normalised=0, bias=0, project=0, learned_init=0,
    forget_offset=0, conv=0, conv_pointwise=0, feed_forward=0, feed_forward_factor=0, clip=0,
    rate=1e-2, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.01,
    with_reset=0, with_ignored=0, with_embedding=1)

GELU, GEGLU = 1, 2

CASES = {
    "mingru_plain": dict(with_embedding=0.01),
    "mingru_plain_init": dict(expansion=2, bias=1, learned_init=1, conv=4, feed_forward=GEGLU,
                              feed_forward_factor=2),
    "mingru_g": dict(expansion=2, g=1, learned_init=1, conv=4, feed_forward=GELU,
                     feed_forward_factor=4),
    "mingru_g_log": dict(expansion=1, g=1, log=1, bias=1, conv=4, conv_pointwise=1,
                         feed_forward=GEGLU, feed_forward_factor=2),
    "mingru_g_log_init": dict(expansion=2, g=1, log=1, learned_init=1, feed_forward=GELU,
                              feed_forward_factor=4, with_reset=1),
    "minlstm_plain": dict(minlstm=1, normalised=1, conv=4),
    "minlstm_g": dict(minlstm=1, normalised=1, g=1, expansion=2, bias=1, learned_init=1,
                      feed_forward=GELU, feed_forward_factor=4),
    "minlstm_g_log": dict(minlstm=1, normalised=1, g=1, log=1, expansion=2, learned_init=1,
                          forget_offset=3, conv=4, conv_pointwise=1, feed_forward=GEGLU,
                          feed_forward_factor=2),
    "minlstm_plain_unnormalised": dict(minlstm=1, forget_offset=1, learned_init=1,
                                       feed_forward=GELU, feed_forward_factor=4),
    "minlstm_g_log_unnormalised": dict(minlstm=1, g=1, log=1, bias=1, conv=4),
    "mingru_clip": dict(project=1, conv=4, clip=0.5, beta1=0.8, beta2=0.95, epsilon=1e-2,
                        weight_decay=0.5, with_ignored=1),
    "mingru_reset": dict(expansion=2, learned_init=1, conv=4, with_reset=1),
    "minlstm_reset": dict(minlstm=1, normalised=1, g=1, conv=4, with_reset=1),
}


def parameter_shapes(c):
    """Name -> (shape, decays), in the model's order."""
    inner = WIDTH * c["expansion"]
    gates = 3 if c["minlstm"] else 2
    shapes = {"token_emb.weight": ((VOCAB, WIDTH), True)}
    for layer in range(LAYERS):
        p = f"layers.{layer}."
        if c["conv"]:
            shapes[p + "0.net.0.weight"] = ((WIDTH, 1, c["conv"]), True)
            shapes[p + "0.net.0.bias"] = ((WIDTH,), False)
        if c["conv_pointwise"]:
            shapes[p + "0.net.1.weight"] = ((WIDTH, WIDTH, 1), True)
            shapes[p + "0.net.1.bias"] = ((WIDTH,), False)
        shapes[p + "1.weight"] = ((WIDTH,), False)
        shapes[p + "2.to_hidden_and_gate.weight"] = ((gates * inner, WIDTH), False)
        if c["bias"]:
            shapes[p + "2.to_hidden_and_gate.bias"] = ((gates * inner,), False)
        if c["expansion"] != 1 or c["project"]:
            shapes[p + "2.to_out.weight"] = ((WIDTH, inner), False)
            if c["bias"]:
                shapes[p + "2.to_out.bias"] = ((WIDTH,), False)
        if c["learned_init"]:
            shapes[p + "2.init_hidden_state"] = ((inner,), False)
        if c["feed_forward"]:
            factor = WIDTH * c["feed_forward_factor"]
            into = 2 * factor if c["feed_forward"] == GEGLU else factor
            shapes[p + "3.weight"] = ((WIDTH,), False)
            shapes[p + "4.0.weight"] = ((into, WIDTH), True)
            shapes[p + "4.0.bias"] = ((into,), False)
            shapes[p + "4.2.weight"] = ((WIDTH, factor), True)
            shapes[p + "4.2.bias"] = ((WIDTH,), False)
    shapes["norm.weight"] = ((WIDTH,), False)
    shapes["to_logits.weight"] = ((VOCAB, WIDTH), True)
    return shapes


def draw(name, shape, generator):
    """Values that float32 holds exactly, large enough that gates leave their linear range."""
    x = torch.randn(shape, generator=generator)
    if name.endswith("weight") and len(shape) == 1:
        x = 1 + 0.2 * x
    elif name.endswith("bias"):
        x = 0.3 * x
    elif not name.endswith("init_hidden_state") and not name.startswith("token_emb"):
        x = x * 1.5 / math.sqrt(math.prod(shape[1:]))
    return x.float().double().requires_grad_()


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
    for t in range(TIME):
        row = bias.expand(BATCH, WIDTH)
        for k in range(taps):
            source = t - (taps - 1) + k
            if source >= 0:
                same = (documents[:, source] == documents[:, t]).double()[:, None]
                row = row + same * weight[:, 0, k] * x[:, source]
        rows.append(row)
    y = torch.stack(rows, 1)
    if c["conv_pointwise"]:
        y = y @ p["0.net.1.weight"][:, :, 0].T + p["0.net.1.bias"]
    return y


def scan_linear(c, parts, init, reset):
    """h_t = a_t h_{t-1} + b_t, one step after the other, from the gates themselves."""
    candidate = g(parts[0]) if c["g"] else parts[0]
    if c["minlstm"]:
        f = torch.sigmoid(parts[1] + c["forget_offset"])
        i = torch.sigmoid(parts[2])
        a, b = (f / (f + i), i / (f + i)) if c["normalised"] else (f, i)
    else:
        b = torch.sigmoid(parts[1])
        a = 1 - b
    if init is None:
        initial = torch.zeros_like(b[:, 0])  # also if the candidate is g
    else:
        initial = (g(init) if c["g"] else init).expand(BATCH, -1)
    h, states = initial, []
    for t in range(TIME):
        h = torch.where(reset[:, t, None] > 0, initial, h)
        h = a[:, t] * h + b[:, t] * candidate[:, t]
        states.append(h)
    return torch.stack(states, 1)


def scan_log(c, parts, init, reset):
    """The same in logarithms (appendix B.2): log h_t = logaddexp(log a_t + log h_{t-1}, log b_t)."""
    if c["minlstm"]:
        log_f = -functional.softplus(-(parts[1] + c["forget_offset"]))
        log_i = -functional.softplus(-parts[2])
        both = torch.logaddexp(log_f, log_i) if c["normalised"] else 0.0
        log_a, log_z = log_f - both, log_i - both
    else:
        log_a, log_z = -functional.softplus(parts[1]), -functional.softplus(-parts[1])
    log_b = log_z + log_g(parts[0])
    initial = torch.full_like(log_b[:, 0], -math.inf) if init is None else \
        log_g(init).expand(BATCH, -1)
    log_h, states = initial, []
    for t in range(TIME):
        log_h = torch.where(reset[:, t, None] > 0, initial, log_h)
        log_h = torch.logaddexp(log_a[:, t] + log_h, log_b[:, t])
        states.append(log_h)
    return torch.exp(torch.stack(states, 1))


def mixer(c, p, x, reset):
    y = x @ p["2.to_hidden_and_gate.weight"].T
    if c["bias"]:
        y = y + p["2.to_hidden_and_gate.bias"]
    parts = y.chunk(3 if c["minlstm"] else 2, -1)
    init = p.get("2.init_hidden_state")
    if c["log"]:
        h = scan_log(c, parts, init, reset)
    else:
        h = scan_linear(c, parts, init, reset)
    if "2.to_out.weight" in p:
        h = h @ p["2.to_out.weight"].T
        if c["bias"]:
            h = h + p["2.to_out.bias"]
    return h


def feed_forward(c, p, x):
    y = x @ p["4.0.weight"].T + p["4.0.bias"]
    if c["feed_forward"] == GEGLU:
        u, v = y.chunk(2, -1)
        y = u * functional.gelu(v)
    else:
        y = functional.gelu(y)
    return y @ p["4.2.weight"].T + p["4.2.bias"]


def model(c, parameters, tokens, reset):
    x = parameters["token_emb.weight"][tokens]
    for layer in range(LAYERS):
        prefix = f"layers.{layer}."
        p = {n[len(prefix):]: v for n, v in parameters.items() if n.startswith(prefix)}
        if c["conv"]:
            x = x + convolution(c, p, x, reset)
        x = x + mixer(c, p, rms_norm(x, p["1.weight"]), reset)
        if c["feed_forward"]:
            x = x + feed_forward(c, p, rms_norm(x, p["3.weight"]))
    return rms_norm(x, parameters["norm.weight"]) @ parameters["to_logits.weight"].T


def record(out, name, value, dtype):
    array = numpy.ascontiguousarray(value, dtype={0: "<f4", 1: "<i4", 2: "<f8"}[dtype])
    encoded = name.encode()
    shape = numpy.shape(value)
    out.append(struct.pack("<I", len(encoded)) + encoded)
    out.append(struct.pack(f"<II{len(shape)}q", dtype, len(shape), *shape))
    out.append(array.tobytes())


def make(name, options, seed):
    c = {**DEFAULTS, **options}
    generator = torch.Generator().manual_seed(seed)
    shapes = parameter_shapes(c)
    parameters = {n: draw(n, s, generator) for n, (s, _) in shapes.items()}
    # Small embeddings, so that the norm's epsilon shows in what follows.
    parameters["token_emb.weight"].data.mul_(c["with_embedding"]).copy_(
        parameters["token_emb.weight"].data.float())
    tokens = torch.randint(VOCAB, (BATCH, TIME), generator=generator)
    targets = torch.randint(VOCAB, (BATCH, TIME), generator=generator)
    if c["with_ignored"]:
        targets[0, 2:4] = -1
        targets[1, -1] = -1
    reset = torch.zeros(BATCH, TIME, dtype=torch.long)
    if c["with_reset"]:
        # In the first sequence documents of 2, 1 and 6 tokens; the second begins with a reset.
        reset[0, 2] = reset[0, 3] = reset[1, 0] = reset[1, 5] = 1

    out = [b"MINGOLD1"]
    sizes = dict(vocab=VOCAB, width=WIDTH, layers=LAYERS, batch=BATCH, time=TIME)
    for field, value in {**sizes, **c}.items():
        if not field.startswith("with_"):
            record(out, "config/" + field, float(value), 2)
    for n, value in parameters.items():
        record(out, "parameter/" + n, value.detach().numpy(), 0)
        record(out, "decays/" + n, float(shapes[n][1]), 2)
    record(out, "tokens", tokens.numpy(), 1)
    record(out, "targets", targets.numpy(), 1)
    if c["with_reset"]:
        record(out, "reset", reset.numpy(), 1)

    groups = [{"params": [parameters[n] for n in shapes if shapes[n][1] == decays],
               "weight_decay": c["weight_decay"] if decays else 0.0} for decays in (True, False)]
    optimiser = torch.optim.AdamW(groups, lr=c["rate"], betas=(c["beta1"], c["beta2"]),
                                  eps=c["epsilon"])
    losses = []
    for step in range(STEPS):
        optimiser.zero_grad()
        logits = model(c, parameters, tokens, reset)
        loss = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1)
        loss.backward()
        losses.append(loss.item())
        norm = math.sqrt(sum(float((p.grad ** 2).sum()) for p in parameters.values()))
        if step == 0:
            record(out, "logits", logits.detach().numpy(), 0)
            for n, value in parameters.items():
                record(out, "gradient/" + n, value.grad.numpy(), 0)
            record(out, "gradient_norm", norm, 2)
        if c["clip"] and norm > c["clip"]:
            for p in parameters.values():
                p.grad *= c["clip"] / norm
        optimiser.step()
    record(out, "losses", numpy.array(losses), 2)
    print(f"{name:28} loss {losses[0]:.4f} -> {losses[-1]:.4f}, gradient norm {norm:.3f}")
    return b"".join(out)


def main():
    directory = sys.argv[1]
    os.makedirs(directory, exist_ok=True)
    for seed, (name, options) in enumerate(CASES.items()):
        with open(os.path.join(directory, name + ".bin"), "wb") as file:
            file.write(make(name, options, seed + 1))


main()
