#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What other libraries take for the step that `minrnn bench layer` times: a recurrent layer, a head and the
cross-entropy of every token, forward and backward.

  peers.py --list
  peers.py PEER [--width N] [--time N] [--batch N] [--classes N] [--threads N] [--repeat N] [--seconds S]

Prints one line of JSON: the peer, the library's version, its BLAS, the threads, and the median, 10th and 90th
percentile of the repeats in milliseconds. Compiling comes before the clock. Exits with 77 if the library is not there.

The minimal layers are the paper's: minGRU and minLSTM by the scan in log space (its appendix B), or, where a library
has a scan of its own, by h = a h + b with a and b as the paper's equations give them."""

import argparse
import importlib
import json
import os
import sys
import time

MISSING = 77


def parse():
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter,
                                     description=__doc__)
    parser.add_argument("peer", nargs="?", choices=sorted(PEERS))
    parser.add_argument("--list", action="store_true")
    for name, value in [("width", 64), ("time", 512), ("batch", 64), ("classes", 16),
                        ("threads", 1), ("repeat", 9)]:
        parser.add_argument("--" + name, type=int, default=value)
    parser.add_argument("--seconds", type=float, default=60, help="no repeat begins later")
    given = parser.parse_args()
    if not given.peer and not given.list:
        parser.error("which peer? --list names them")
    return given


def library(name):
    try:
        return importlib.import_module(name)
    except ImportError as error:
        print(f"peers.py: {error}", file=sys.stderr)
        sys.exit(MISSING)


# ---- PyTorch ----

def torch_of(given):
    torch = library("torch")
    torch.set_num_threads(given.threads)
    torch.manual_seed(1)
    return torch


def torch_step(given, torch, layer, modules, compiled):
    """A call is a step. layer(x) gives h [batch, time, width]."""
    head = torch.nn.Linear(given.width, given.classes)
    x = torch.randn(given.batch, given.time, given.width)
    targets = torch.randint(given.classes, (given.batch * given.time,))
    parameters = [p for module in [*modules, head] for p in module.parameters()]

    def loss_of(x):
        logits = head(layer(x)).reshape(-1, given.classes)
        return torch.nn.functional.cross_entropy(logits, targets)

    loss_of = torch.compile(loss_of) if compiled else loss_of

    def step():
        for parameter in parameters:
            parameter.grad = None
        loss = loss_of(x)
        loss.backward()
        return loss.item()

    return step


def log_g(torch, x):
    return torch.where(x >= 0, (torch.relu(x) + 0.5).log(), -torch.nn.functional.softplus(-x))


def g(torch, x):
    return torch.where(x >= 0, x + 0.5, torch.sigmoid(x))


def scan_in_logs(torch, log_a, log_b):
    """h_t = a_t h_(t-1) + b_t from h_0 = 0, all positive."""
    total = log_a.cumsum(1)
    return (total + (log_b - total).logcumsumexp(1)).exp()


def log_gates(torch, cell, gates):
    """log a and log b of the paper's appendix B.2.1 and B.2.2."""
    softplus = torch.nn.functional.softplus
    if cell == "mingru":
        z, candidate = gates
        return -softplus(z), -softplus(-z) + log_g(torch, candidate)
    forget, enter, candidate = gates
    difference = softplus(-forget) - softplus(-enter)
    return -softplus(difference), -softplus(-difference) + log_g(torch, candidate)


def linear_gates(torch, cell, gates):
    """a and b of h_t = a_t h_(t-1) + b_t."""
    if cell == "mingru":
        z = gates[0].sigmoid()
        return 1 - z, z * g(torch, gates[1])
    forget, enter = gates[0].sigmoid(), gates[1].sigmoid()
    return forget / (forget + enter), enter / (forget + enter) * g(torch, gates[2])


def torch_minimal(cell, way):
    def make(given):
        torch = torch_of(given)
        count = 2 if cell == "mingru" else 3
        linear = torch.nn.Linear(given.width, count * given.width)
        if way == "scan":
            higher_order = library("torch._higher_order_ops.associative_scan")

        def layer(x):
            gates = linear(x).chunk(count, -1)
            if way != "scan":
                return scan_in_logs(torch, *log_gates(torch, cell, gates))
            combine = lambda left, right: (left[0] * right[0], left[1] * right[0] + right[1])
            return higher_order.associative_scan(combine, linear_gates(torch, cell, gates), 1,
                                                 combine_mode="generic")[1]

        return torch_step(given, torch, layer, [linear], way != "eager"), torch

    return make


def torch_recurrent(name):
    def make(given):
        torch = torch_of(given)
        module = getattr(torch.nn, name)(given.width, given.width, batch_first=True)
        return torch_step(given, torch, lambda x: module(x)[0], [module], False), torch

    return make


def torch_loop(name):
    def make(given):
        torch = torch_of(given)
        cell = getattr(torch.nn, name)(given.width, given.width)

        def layer(x):
            h = torch.zeros(given.batch, given.width)
            state = (h, h) if name == "LSTMCell" else h
            outputs = []
            for t in range(given.time):
                state = cell(x[:, t], state)
                outputs.append(state[0] if name == "LSTMCell" else state)
            return torch.stack(outputs, 1)

        return torch_step(given, torch, layer, [cell], False), torch

    return make


# ---- JAX ----

def jax_minimal(cell, way):
    def make(given):
        os.environ["JAX_PLATFORMS"] = "cpu"
        os.environ["XLA_FLAGS"] = ("--xla_cpu_multi_thread_eigen=" +
                                   ("true" if given.threads > 1 else "false") +
                                   f" intra_op_parallelism_threads={given.threads}")
        jax = library("jax")
        jnp, lax = jax.numpy, jax.lax
        count = 2 if cell == "mingru" else 3
        keys = jax.random.split(jax.random.PRNGKey(1), 4)
        draw = lambda key, *shape: jax.random.normal(key, shape) / given.width**0.5
        weights = {"gates": draw(keys[0], given.width, count * given.width),
                   "bias": jnp.zeros(count * given.width),
                   "head": draw(keys[1], given.width, given.classes)}
        x = jax.random.normal(keys[2], (given.batch, given.time, given.width))
        targets = jax.random.randint(keys[3], (given.batch, given.time), 0, given.classes)
        positive = lambda v: jnp.where(v >= 0, v + 0.5, jax.nn.sigmoid(v))

        def coefficients(gates):
            if cell == "mingru":
                z = jax.nn.sigmoid(gates[0])
                return 1 - z, z * positive(gates[1])
            forget, enter = jax.nn.sigmoid(gates[0]), jax.nn.sigmoid(gates[1])
            return forget / (forget + enter), enter / (forget + enter) * positive(gates[2])

        def hidden(a, b):
            if way == "associative":
                combine = lambda left, right: (left[0] * right[0], left[1] * right[0] + right[1])
                return lax.associative_scan(combine, (a, b), axis=1)[1]
            move = lambda v: jnp.moveaxis(v, 1, 0)
            step = lambda h, ab: (ab[0] * h + ab[1],) * 2
            start = jnp.zeros((given.batch, given.width))
            return jnp.moveaxis(lax.scan(step, start, (move(a), move(b)))[1], 0, 1)

        def loss(weights):
            gates = jnp.split(x @ weights["gates"] + weights["bias"], count, -1)
            logits = hidden(*coefficients(gates)) @ weights["head"]
            picked = jnp.take_along_axis(jax.nn.log_softmax(logits), targets[..., None], -1)
            return -picked.mean()

        gradient = jax.jit(jax.value_and_grad(loss))

        def step():
            value, _ = jax.block_until_ready(gradient(weights))
            return float(value)

        return step, jax

    return make


PEERS = {
    **{f"torch-{way}-{cell}": torch_minimal(cell, way)
       for way in ("eager", "compile", "scan") for cell in ("mingru", "minlstm")},
    "torch-gru": torch_recurrent("GRU"),
    "torch-lstm": torch_recurrent("LSTM"),
    "torch-loop-gru": torch_loop("GRUCell"),
    "torch-loop-lstm": torch_loop("LSTMCell"),
    **{f"jax-{way}-{cell}": jax_minimal(cell, way)
       for way in ("associative", "loop") for cell in ("mingru", "minlstm")},
}


def blas_of(peer):
    if not peer.startswith("torch"):
        return "Eigen"
    for line in library("torch").__config__.show().splitlines():
        if "BLAS_INFO=" in line:
            return line.split("BLAS_INFO=")[1].split(",")[0]
    return "unknown"


def measure(step, given):
    """Two steps to warm up, the first of which compiles."""
    losses = [step(), step()]
    times = []
    begin = time.perf_counter()
    while len(times) < given.repeat and (not times or time.perf_counter() - begin < given.seconds):
        start = time.perf_counter()
        losses.append(step())
        times.append((time.perf_counter() - start) * 1e3)
    if any(loss != loss for loss in losses):
        sys.exit(f"{given.peer}: the loss is not a number")
    times.sort()
    at = lambda share: times[min(len(times) - 1, int(share * len(times)))]
    return {"median_ms": at(0.5), "p10_ms": at(0.1), "p90_ms": at(0.9), "repeats": len(times)}


def main():
    given = parse()
    if given.list:
        print("\n".join(sorted(PEERS)))
        return
    step, module = PEERS[given.peer](given)
    row = {"peer": given.peer, "version": module.__version__, "blas": blas_of(given.peer),
           "threads": given.threads, "batch": given.batch, "time": given.time,
           "width": given.width, "classes": given.classes, **measure(step, given)}
    print(json.dumps(row))


if __name__ == "__main__":
    main()
