# SPDX-License-Identifier: Apache-2.0
"""Makes the golden data: models in float64 PyTorch (reference.py), with their parameters, logits,
loss, every gradient, and the losses of ten AdamW steps.

    /usr/bin/python3 tests/golden/make_golden.py tests/golden/data

made the committed files (Debian's python3-torch 1.13). test_golden.c reads them.

A file is one case; its name begins with its mixer's. All numbers are little-endian:
    8 bytes   "MINGOLD2"
    then until the end of the file one record after the other:
    u32       length of the name, then the name (no zero byte)
    u32       type: 0 float32, 1 int32, 2 float64, 3 text
    u32       dimensions, 0 to 3, then each as i64; a text has one, its bytes
    elements  row-major
Names: model/SETTING and trainer/SETTING (texts, as the public calls take them; what is not there has
its standard value), parameter/NAME, gradient/NAME, decays/NAME (0 or 1), tokens, targets and reset
[batch, time], logits, losses, gradient_norm.
Of GRU, LSTM and Mamba also the first block's mixer as a layer, with the same resets: layer/x, y, dy, dx
[batch, time, width], layer/state, state_out, dstate_out, dstate [batch, elements of a state], and
layer/gradient/NAME.
"""

import math
import os
import struct
import sys

import numpy
import torch
from torch.nn import functional

import reference

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

STEPS = 10

MODEL = dict(vocab=11, width=8, layers=2, mixer=None, conv=0, conv_pointwise=False,
             feed_forward="none", feed_forward_factor=4)
GATED = dict(expansion=1, candidate="plain", alg="linear", normalised=False, bias=False,
             project=False, learned_init=False, forget_offset=0)
RECURRENT = dict(expansion=1, bias=False, project=False)
MAMBA = dict(expansion=2, states=16, taps=4, rank=0, dt_min=0.001, dt_max=0.1)
MIXERS = dict(mingru=GATED, minlstm=GATED, gru=dict(RECURRENT, reset_gate="after"), lstm=RECURRENT,
              mamba=MAMBA)
TRAINER = dict(batch=2, time=9, rate=1e-2, beta1=0.9, beta2=0.999, epsilon=1e-8,
               weight_decay=0.01, clip=0)
DATA = dict(with_reset=False, with_ignored=False, with_embedding=1)

CASES = {
    "mingru_plain": dict(with_embedding=0.01),
    "mingru_plain_init": dict(expansion=2, bias=True, learned_init=True, conv=4,
                              feed_forward="geglu", feed_forward_factor=2),
    "mingru_g": dict(expansion=2, candidate="g", learned_init=True, conv=4, feed_forward="gelu"),
    "mingru_g_log": dict(candidate="g", alg="log", bias=True, conv=4, conv_pointwise=True,
                         feed_forward="geglu", feed_forward_factor=2),
    "mingru_g_log_init": dict(expansion=2, candidate="g", alg="log", learned_init=True,
                              feed_forward="gelu", with_reset=True),
    "minlstm_plain": dict(normalised=True, conv=4),
    "minlstm_g": dict(normalised=True, candidate="g", expansion=2, bias=True, learned_init=True,
                      feed_forward="gelu"),
    "minlstm_g_log": dict(normalised=True, candidate="g", alg="log", expansion=2,
                          learned_init=True, forget_offset=3, conv=4, conv_pointwise=True,
                          feed_forward="geglu", feed_forward_factor=2),
    "minlstm_plain_unnormalised": dict(forget_offset=1, learned_init=True, feed_forward="gelu"),
    "minlstm_g_log_unnormalised": dict(candidate="g", alg="log", bias=True, conv=4),
    "mingru_clip": dict(project=True, conv=4, clip=0.5, beta1=0.8, beta2=0.95, epsilon=1e-2,
                        weight_decay=0.5, with_ignored=True),
    "mingru_reset": dict(expansion=2, learned_init=True, conv=4, with_reset=True),
    "minlstm_reset": dict(normalised=True, candidate="g", conv=4, with_reset=True),
    "gru_plain": dict(),
    "gru_bias": dict(bias=True, expansion=2, conv=4, feed_forward="gelu"),
    "gru_reset": dict(bias=True, project=True, with_reset=True),
    "gru_before": dict(reset_gate="before", expansion=1.5, bias=True, with_reset=True),
    "lstm_plain": dict(),
    "lstm_bias": dict(bias=True, expansion=2, conv=4, feed_forward="gelu"),
    "lstm_reset": dict(bias=True, project=True, with_reset=True),
    "mamba_plain": dict(),
    "mamba_small": dict(expansion=1.5, states=3, taps=2, rank=3, conv=4, feed_forward="gelu"),
    "mamba_reset": dict(states=5, rank=2, with_reset=True),
}


def draw(name, shape, generator):
    """Values that float32 holds exactly, large enough that gates leave their linear range."""
    x = torch.randn(shape, generator=generator)
    if name.endswith("weight") and len(shape) == 1:
        x = 1 + 0.2 * x
    elif "bias" in name:
        x = 0.3 * x
    elif not name.endswith("init_hidden_state") and not name.startswith("token_emb"):
        x = x * 1.5 / math.sqrt(math.prod(shape[1:]))
    return x.float().double().requires_grad_()


def record(out, name, value, dtype):
    array = numpy.ascontiguousarray(value, dtype={0: "<f4", 1: "<i4", 2: "<f8", 3: "u1"}[dtype])
    encoded = name.encode()
    shape = numpy.shape(value)
    out.append(struct.pack("<I", len(encoded)) + encoded)
    out.append(struct.pack(f"<II{len(shape)}q", dtype, len(shape), *shape))
    out.append(array.tobytes())


def text_of(value):
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


def record_layer(out, c, parameters, reset, generator):
    """The first block's mixer, from a state that is carried in."""
    prefix = "layers.0."
    p = {n[len(prefix):]: v.detach().clone().requires_grad_() for n, v in parameters.items()
         if n.startswith(prefix + "2.")}
    batch, time = reset.shape
    elements = reference.state_size(c)
    x, dy = (draw("x", (batch, time, c["width"]), generator) for _ in range(2))
    state, dstate_out = (draw("state", (batch, elements), generator) for _ in range(2))
    y, state_out = reference.carrying_mixer(c, p, x, reset, state)
    ((y * dy).sum() + (state_out * dstate_out).sum()).backward()
    for n, value in dict(x=x, y=y, dy=dy, dx=x.grad, state=state, state_out=state_out,
                         dstate_out=dstate_out, dstate=state.grad).items():
        record(out, "layer/" + n, value.detach().numpy(), 0)
    for n, value in p.items():
        record(out, "layer/gradient/" + n[2:], value.grad.numpy(), 0)


def make(name, options, seed):
    mixer = name.split("_")[0]
    taken = {**DATA, **MODEL, **MIXERS[mixer], **TRAINER, "mixer": mixer, **options}
    c = {setting: taken[setting] for setting in {**MODEL, **MIXERS[mixer]}}
    training = {setting: taken[setting] for setting in TRAINER}
    batch, time = training["batch"], training["time"]
    generator = torch.Generator().manual_seed(seed)
    shapes = reference.parameter_shapes(c)
    parameters = {n: draw(n, s, generator) for n, (s, _) in shapes.items()}
    # Small embeddings, so that the norm's epsilon shows in what follows.
    parameters["token_emb.weight"].data.mul_(taken["with_embedding"]).copy_(
        parameters["token_emb.weight"].data.float())
    tokens = torch.randint(c["vocab"], (batch, time), generator=generator)
    targets = torch.randint(c["vocab"], (batch, time), generator=generator)
    if taken["with_ignored"]:
        targets[0, 2:4] = -1
        targets[1, -1] = -1
    reset = torch.zeros(batch, time, dtype=torch.long)
    if taken["with_reset"]:
        # In the first sequence documents of 2, 1 and 6 tokens; the second begins with a reset.
        reset[0, 2] = reset[0, 3] = reset[1, 0] = reset[1, 5] = 1

    out = [b"MINGOLD2"]
    for owner, settings in ("model", c), ("trainer", training):
        for setting, value in settings.items():
            record(out, f"{owner}/{setting}", list(text_of(value).encode()), 3)
    for n, value in parameters.items():
        record(out, "parameter/" + n, value.detach().numpy(), 0)
        record(out, "decays/" + n, float(shapes[n][1]), 2)
    record(out, "tokens", tokens.numpy(), 1)
    record(out, "targets", targets.numpy(), 1)
    if taken["with_reset"]:
        record(out, "reset", reset.numpy(), 1)
    if reference.is_recurrent(c) or reference.is_mamba(c):
        record_layer(out, c, parameters, reset, generator)
    groups = [{"params": [parameters[n] for n in shapes if shapes[n][1] == decays],
               "weight_decay": training["weight_decay"] if decays else 0.0}
              for decays in (True, False)]
    optimiser = torch.optim.AdamW(groups, lr=training["rate"],
                                  betas=(training["beta1"], training["beta2"]),
                                  eps=training["epsilon"])
    losses = []
    for step in range(STEPS):
        optimiser.zero_grad()
        logits = reference.model(c, parameters, tokens, reset)
        loss = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1)
        loss.backward()
        losses.append(loss.item())
        norm = math.sqrt(sum(float((p.grad ** 2).sum()) for p in parameters.values()))
        if step == 0:
            record(out, "logits", logits.detach().numpy(), 0)
            for n, value in parameters.items():
                record(out, "gradient/" + n, value.grad.numpy(), 0)
            record(out, "gradient_norm", norm, 2)
        if training["clip"] and norm > training["clip"]:
            for p in parameters.values():
                p.grad *= training["clip"] / norm
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
