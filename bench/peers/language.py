# SPDX-License-Identifier: Apache-2.0
"""The language model of the preset shakespeare in PyTorch: what `minrnn bench step` and `minrnn bench generate` time.

A block is a convolution of 4 taps, the paper's cell with twice the channels, and GELU of four times the width, each
added to what came in, the last two behind an RMSNorm. The cell's scan is the paper's in log space, as it stands or by
torch.compile, or PyTorch's own associative scan; the candidate is its g. A step is forward, loss,
backward, clipping and AdamW."""

from cells import GATES, linear_gates, torch_of, torch_scan

TAPS, EXPANSION, FACTOR, LAYERS, DROPOUT = 4, 2, 4, 3, 0.2


def block_of(torch, given, cell):
    functional, width, inner = torch.nn.functional, given.width, EXPANSION * given.width
    count = GATES[cell]

    class Block(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv1d(width, width, TAPS, groups=width)
            self.gains = torch.nn.Parameter(torch.ones(2, width))
            self.gates = torch.nn.Linear(width, count * inner, bias=False)
            self.out = torch.nn.Linear(inner, width, bias=False)
            self.enter = torch.nn.Linear(width, FACTOR * width)
            self.leave = torch.nn.Linear(FACTOR * width, width)
            self.drop = torch.nn.Dropout(DROPOUT)

        def fed(self, x):
            return self.leave(functional.gelu(self.enter(norm(x, self.gains[1]))))

        def pre_activations(self, x):
            return self.gates(norm(x, self.gains[0])).chunk(count, -1)

        def forward(self, x, scan):
            """x [batch, time, width]"""
            padded = functional.pad(x.transpose(1, 2), (TAPS - 1, 0))
            x = x + self.conv(padded).transpose(1, 2)
            x = x + self.drop(self.out(scan(self.pre_activations(x))))
            return x + self.drop(self.fed(x))

        def token(self, x, window, h):
            """x [batch, width], the convolution's inputs [batch, width, taps - 1], h [batch, inner]"""
            window = torch.cat([window, x[:, :, None]], 2)
            x = x + (window * self.conv.weight[:, 0]).sum(2) + self.conv.bias
            a, b = linear_gates(torch, cell, self.pre_activations(x))
            h = a * h + b
            x = x + self.out(h)
            return x + self.fed(x), window[:, :, 1:], h

    def norm(x, gain):
        return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-6) * gain

    return Block, norm


def model_of(torch, given, cell):
    Block, norm = block_of(torch, given, cell)

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.table = torch.nn.Embedding(given.classes, given.width)
            self.blocks = torch.nn.ModuleList(Block() for _ in range(LAYERS))
            self.gain = torch.nn.Parameter(torch.ones(given.width))
            self.head = torch.nn.Linear(given.width, given.classes, bias=False)

        def forward(self, tokens, scan):
            x = self.table(tokens)
            for block in self.blocks:
                x = block(x, scan)
            return self.head(norm(x, self.gain))

        def token(self, token, states):
            x = self.table(token)
            after = []
            for block, (window, h) in zip(self.blocks, states):
                x, window, h = block.token(x, window, h)
                after.append((window, h))
            return self.head(norm(x, self.gain)), after

    return Model()


def training(cell, way):
    def make(given):
        torch = torch_of(given)
        scan = torch_scan(torch, cell, way)
        model = model_of(torch, given, cell)
        optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.99), weight_decay=0.1,
                                      fused=True)
        tokens = torch.randint(given.classes, (given.batch, given.time))
        targets = torch.randint(given.classes, (given.batch * given.time,))

        def loss_of(tokens):
            logits = model(tokens, scan).reshape(-1, given.classes)
            return torch.nn.functional.cross_entropy(logits, targets)

        loss_of = torch.compile(loss_of) if way != "eager" else loss_of

        def step():
            optimiser.zero_grad()
            loss = loss_of(tokens)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            return loss.item()

        return step, torch

    return make


def generation(cell, way):
    """A call is a token: a forward pass, and one drawn of its logits."""
    def make(given):
        torch = torch_of(given)
        model = model_of(torch, given, cell).eval()
        forward = torch.compile(model.token) if way == "compile" else model.token
        token = torch.zeros(given.batch, dtype=torch.long)
        states = [(torch.zeros(given.batch, given.width, TAPS - 1),
                   torch.zeros(given.batch, EXPANSION * given.width)) for _ in range(LAYERS)]

        def step():
            nonlocal token, states
            with torch.inference_mode():
                logits, states = forward(token, states)
                token = torch.multinomial(logits.softmax(-1), 1)[:, 0]
                return logits[0, 0].item()

        return step, torch

    return make


CELLS = ("mingru", "minlstm")
STEPS = {f"torch-{way}-{cell}": training(cell, way) for way in ("eager", "compile", "scan") for cell in CELLS}
TOKENS = {f"torch-{way}-{cell}": generation(cell, way) for way in ("eager", "compile") for cell in CELLS}
