# SPDX-License-Identifier: Apache-2.0
"""What `minrnn bench layer` times: a recurrent layer, a head and the cross-entropy of every token, forward and
backward. The layers are the paper's minimal cells, nn.GRU, nn.LSTM, loops of their cells, and JAX's scans."""

import os

from cells import GATES, library, torch_of, torch_scan

# ---- PyTorch ----

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


def torch_minimal(cell, way):
    def make(given):
        torch = torch_of(given)
        linear = torch.nn.Linear(given.width, GATES[cell] * given.width)
        scan = torch_scan(torch, cell, way)
        layer = lambda x: scan(linear(x).chunk(GATES[cell], -1))
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
        count = GATES[cell]
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
