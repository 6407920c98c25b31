# SPDX-License-Identifier: Apache-2.0
"""The paper's minimal cells in PyTorch: minGRU and minLSTM by the scan in log space (its appendix B), or, by a scan of
the library's own, h = a h + b with a and b as the paper's equations give them."""

import importlib
import sys

MISSING = 77
GATES = {"mingru": 2, "minlstm": 3}


def library(name):
    try:
        return importlib.import_module(name)
    except ImportError as error:
        print(f"peers.py: {error}", file=sys.stderr)
        sys.exit(MISSING)


def torch_of(given):
    torch = library("torch")
    torch.set_num_threads(given.threads)
    torch.manual_seed(1)
    return torch


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


def torch_scan(torch, cell, way):
    """From pre-activations, a tuple of [batch, time, channels], to the states; way is eager, compile or scan."""
    if way != "scan":
        return lambda gates: scan_in_logs(torch, *log_gates(torch, cell, gates))
    higher_order = library("torch._higher_order_ops.associative_scan")
    combine = lambda left, right: (left[0] * right[0], left[1] * right[0] + right[1])
    return lambda gates: higher_order.associative_scan(combine, linear_gates(torch, cell, gates), 1,
                                                       combine_mode="generic")[1]
