# SPDX-License-Identifier: Apache-2.0
"""Byte models trained by PyTorch, saved, and continued by `minrnn generate`: the same greedy bytes.

greedy.py COMMAND own               modules of interop.py, in the ways that others save them
greedy.py COMMAND minGRU [FILE]     minLM of PyPI's minGRU-pytorch, saved by safetensors

FILE is learnt from, without one a few lines, which come back nearly by heart. For the second the
variable MINGRU_PYTHON names a Python that has the packages. Exits with 77 (skipped) without PyTorch,
or without them.
"""

import os
import subprocess
import sys
import tempfile
import time

if "minGRU" in sys.argv[2:3] and os.environ.get("MINGRU_PYTHON"):
    interpreter = os.environ.pop("MINGRU_PYTHON")
    os.execv(interpreter, [interpreter, *sys.argv])

import interop  # which exits if there is no PyTorch
import torch
from torch.nn import functional as F

LENGTH, STEPS, BATCH, TIME = 500, 100, 8, 96
PROMPT = b"The "
LINES = """The quick brown fox jumps over the lazy dog. Sphinx of black quartz, judge my vow!
Pack my box with five dozen liquor jugs; how vexingly quick daft zebras jump?
Größe, naïveté, 漢字, \0 and \x7f: 0123456789.
""".encode()


def learn(model, data, steps):
    """Trains on windows of the bytes."""
    draw = torch.Generator().manual_seed(1)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    loss = torch.zeros(())
    for _ in range(steps):
        starts = torch.randint(len(data) - TIME - 1, (BATCH,), generator=draw)
        window = torch.stack([data[start : start + TIME + 1] for start in starts.tolist()])
        logits = model(window[:, :-1])
        loss = F.cross_entropy(logits.transpose(1, 2), window[:, 1:])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return float(loss.detach())


def decode(model, prompt):
    """The likeliest bytes, one by one, by the whole text's parallel scan; and the smallest distance
    of a likeliest logit to the next."""
    tokens = torch.tensor([list(prompt)])
    margin = float("inf")
    with torch.no_grad():
        for _ in range(LENGTH):
            best = model(tokens)[0, -1].topk(2)
            margin = min(margin, float(best.values[0] - best.values[1]))
            tokens = torch.cat((tokens, best.indices[:1].reshape(1, 1)), 1)
    return bytes(tokens[0, len(prompt) :].tolist()), margin


def generate(command, path, prompt, folder):
    file = os.path.join(folder, "prompt")
    with open(file, "wb") as out:
        out.write(prompt)
    done = subprocess.run(
        [command, "generate", "--model", path, "--prompt-file", file, "--temperature", "0",
         "--length", str(LENGTH), "--device", "cpu"], stdout=subprocess.PIPE)
    if done.returncode != 0:
        sys.exit("generate failed")
    return done.stdout[len(prompt) : -1]


def compare(what, ours, theirs, margin):
    same = 0
    while same < LENGTH and ours[same : same + 1] == theirs[same : same + 1]:
        same += 1
    good = ours == theirs and len(set(theirs)) > 2
    print("%-44s %d of %d bytes, least margin %.1e, %d different ones: %s" % (
        what, same, LENGTH, margin, len(set(theirs)), "ok" if good else "FAILED"))
    return good


# ---- with what this folder has ----

def check_own(command, data, folder):
    model = interop.PublicModel(vocab=256, width=48, depth=2)
    tied = interop.PublicModel(vocab=256, width=48, depth=2, gain="weight", gates=3,
                               gates_name=interop.F_I)
    tied.to_logits.weight = tied.token_emb.weight
    loss = learn(model, data, STEPS), learn(tied, data, STEPS)
    print("trained: loss %.2f, of the tied one %.2f" % loss)
    whole, of_tied = model.state_dict(), tied.state_dict()
    embed, head = "token_emb.weight", "to_logits.weight"

    def without(name, prefix=""):
        return {prefix + n: t for n, t in of_tied.items() if n != name}

    good = True
    path = os.path.join(folder, "model.safetensors")
    for prompt in (PROMPT, b"\0a\xff\0b"):
        expected = decode(model, prompt)
        for what, tensors, metadata in [
            ("as it is", whole, "absent"),
            ("null metadata", whole, None),
            ("prefix", {"_orig_mod." + n: t for n, t in whole.items()}, "absent"),
            ("two prefixes", {"module.model." + n: t for n, t in whole.items()}, {"format": "pt"}),
        ]:
            interop.write_safetensors(path, tensors, metadata)
            good &= compare("%s, after %r" % (what, prompt),
                            generate(command, path, prompt, folder), *expected)
    expected = decode(tied, PROMPT)
    for what, tensors, metadata in [
        ("tied, both saved", of_tied, "absent"),
        ("tied, without a head", without(head), "absent"),
        ("tied, the head named", without(head), {head: embed}),
        ("tied, the embedding named", without(embed), {embed: head}),
        ("tied, with a prefix", without(embed, "module."), {"module." + embed: "module." + head}),
    ]:
        interop.write_safetensors(path, tensors, metadata)
        good &= compare(what, generate(command, path, PROMPT, folder), *expected)
    return good


# ---- with PyPI's packages ----

def check_public(command, data, folder):
    try:
        from minGRU_pytorch.minLM import minLM
        from safetensors.torch import save_file, save_model
    except ImportError as error:
        print("skipped: %s in %s" % (error, sys.executable))
        sys.exit(77)
    good = True
    path = os.path.join(folder, "model.safetensors")
    for what, options, wrapped in [
        ("minGRU", {}, False),
        ("minGRU, compiled", {}, True),
        ("minLSTM", {"use_lstm": True}, False),
        ("minGRU with a convolution", {"enable_conv": True}, False),
        ("minGRU without expansion", {"expansion": 1.0}, False),
        ("minGRU, tied", {"tied": True}, False),
    ]:
        is_tied = options.pop("tied", False)
        model = minLM(num_tokens=256, dim=64, depth=2, **options)
        if is_tied:
            model.to_logits.weight = model.token_emb.weight
        begun = time.monotonic()
        loss = learn(model, data, STEPS)
        print("%s: %d steps in %.1f s, loss %.3f" % (what, STEPS, time.monotonic() - begun, loss))
        if is_tied:
            save_model(model, path)
        else:
            module = torch.compile(model) if wrapped else model  # compiled when called: here never
            save_file(module.state_dict(), path)
        good &= compare(what, generate(command, path, PROMPT, folder), *decode(model, PROMPT))
    return good


def main():
    torch.manual_seed(1)
    command, kind = sys.argv[1:3]
    content = LINES
    if sys.argv[3:]:
        with open(sys.argv[3], "rb") as file:
            content = file.read()
    data = torch.tensor(list(content))
    with tempfile.TemporaryDirectory() as folder:
        return 0 if (check_own if kind == "own" else check_public)(command, data, folder) else 1


if __name__ == "__main__":
    sys.exit(main())
