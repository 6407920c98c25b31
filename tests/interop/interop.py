# SPDX-License-Identifier: Apache-2.0
"""Model files between minrnn and PyTorch, both ways.

interop.py LOGITS    LOGITS is the program of logits.c

1. Files that minrnn wrote are read here, evaluated in float64 by tests/golden/reference.py, and the
   logits compared.
2. Files with the names of the public implementations, from modules written here after their
   papers and interfaces, are read by minrnn, and the logits compared.

Exits with 77 (skipped) if there is no PyTorch or no device.
"""

import json
import os
import struct
import subprocess
import sys
import tempfile

try:
    import torch
    from torch import nn
    from torch.nn import functional as F
except ImportError:
    print("skipped: no PyTorch in " + sys.executable)
    sys.exit(77)

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))
import reference

TOLERANCE = 1e-5
BATCH, TIME = 3, 37
torch.set_num_threads(1)


# ---- safetensors ----

def read_safetensors(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        assert entry["dtype"] == "F32", name
        begin, end = entry["data_offsets"]
        flat = torch.frombuffer(bytearray(data[begin:end]), dtype=torch.float32)
        tensors[name] = flat.reshape(entry["shape"])
    return metadata, tensors


def write_safetensors(path, tensors, metadata="absent"):
    header, blobs, offset = {}, [], 0
    if metadata != "absent":
        header["__metadata__"] = metadata
    for name, tensor in tensors.items():
        blob = tensor.detach().to(torch.float32).contiguous().numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape),
                        "data_offsets": [offset, offset + len(blob)]}
        offset += len(blob)
        blobs.append(blob)
    text = json.dumps(header).encode()  # of any length: the data need not be aligned
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


# ---- minrnn's side ----

def run_ours(program, model, tokens, folder):
    source, target = os.path.join(folder, "tokens"), os.path.join(folder, "logits")
    with open(source, "wb") as file:
        file.write(tokens.to(torch.int32).numpy().tobytes())
    batch, time = tokens.shape
    call([program, "run", model, str(batch), str(time), source, target])
    with open(target, "rb") as file:
        flat = torch.frombuffer(bytearray(file.read()), dtype=torch.float32)
    return flat.reshape(batch, time, -1).double()


def call(arguments):
    done = subprocess.run(arguments, stderr=subprocess.PIPE, text=True)
    if done.returncode == 77:
        print("skipped: no device " + os.environ.get("MINRNN_DEVICE", ""))
        sys.exit(77)
    if done.returncode != 0:
        sys.exit("%s failed: %s" % (" ".join(arguments), done.stderr))


def compare(what, ours, theirs):
    error = float((ours - theirs).abs().max() / theirs.abs().max())
    good = ours.shape == theirs.shape and error <= TOLERANCE
    print("%-58s %.2e %s" % (what, error, "ok" if good else "FAILED"))
    return good


# ---- 1: what minrnn wrote, by its configuration, in float64 ----

def check_written(program, folder, variants):
    good = True
    for variant in range(variants):
        path = os.path.join(folder, "ours.safetensors")
        call([program, "make", str(variant), path])
        metadata, tensors = read_safetensors(path)
        config = json.loads(metadata["minrnn.config"])
        assert metadata["format"] == "pt"
        tokens = torch.randint(config["vocab"], (BATCH, TIME))
        what = "minrnn's variant %d (%s, %s)" % (variant, config["mixer"],
                                                 config.get("candidate", "its authors' equations"))
        doubles = {name: tensor.double() for name, tensor in tensors.items()}
        good &= compare(what, run_ours(program, path, tokens, folder),
                        reference.model(config, doubles, tokens))
    return good


# ---- 2: modules with the public implementations' names, scanning in log space as they do ----

class Norm(nn.Module):
    """gain_name "gamma": x / |x| sqrt(d) (gamma + 1); "weight": torch.nn.RMSNorm."""

    def __init__(self, width, gain_name):
        super().__init__()
        self.gain_name = gain_name
        gain = 0.3 * torch.randn(width) + (0 if gain_name == "gamma" else 1)
        self.register_parameter(gain_name, nn.Parameter(gain))

    def forward(self, x):
        gain = getattr(self, self.gain_name)
        if self.gain_name == "gamma":
            return F.normalize(x, dim=-1) * x.shape[-1] ** 0.5 * (gain + 1)
        epsilon = torch.finfo(torch.float32).eps
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + epsilon) * gain


class Recurrence(nn.Module):
    def __init__(self, width, expansion, gates_name, gates, normalised, bias, learned, project):
        super().__init__()
        inner = int(width * expansion)
        self.gates_name = gates_name
        self.config = dict(mixer={2: "mingru", 3: "minlstm"}[gates], alg="log", candidate="g",
                           normalised=normalised, forget_offset=0)
        setattr(self, gates_name, nn.Linear(width, gates * inner, bias=bias))
        self.to_out = nn.Linear(inner, width, bias=bias) if project else nn.Identity()
        self.init_hidden_state = nn.Parameter(torch.randn(inner)) if learned else None

    def forward(self, x):
        gates = getattr(self, self.gates_name)(x)
        no_resets = torch.zeros(x.shape[:2])
        return self.to_out(reference.scan(self.config, gates, self.init_hidden_state, no_resets))


class TorchRecurrence(nn.Module):
    """nn.GRU or nn.LSTM, its tensors named as its own, and the projection beside it."""

    def __init__(self, kind, width, expansion, bias, project):
        super().__init__()
        inner = int(width * expansion)
        self.recurrence = kind(width, inner, bias=bias, batch_first=True)
        self.to_out = nn.Linear(inner, width, bias=bias) if project else nn.Identity()
        self._register_state_dict_hook(self.rename)
        self._register_load_state_dict_pre_hook(self.take)

    @staticmethod
    def rename(module, tensors, prefix, metadata):
        for name in [n for n in tensors if n.startswith(prefix + "recurrence.")]:
            tensors[name.replace("recurrence.", "")] = tensors.pop(name)

    @staticmethod
    def take(tensors, prefix, *rest):
        for name in [n for n in tensors if n.startswith(prefix) and n.endswith("_l0")]:
            tensors[prefix + "recurrence." + name[len(prefix):]] = tensors.pop(name)

    def forward(self, x):
        return self.to_out(self.recurrence(x)[0])


class Mamba(nn.Module):
    """mamba_ssm's module of that name: its tensors, with the equations of reference.py."""

    def __init__(self, width, expansion=2.0, states=16, taps=4, rank=0):
        super().__init__()
        inner = int(width * expansion)
        self.config = dict(mixer="mamba", width=width, expansion=expansion, states=states, taps=taps,
                           rank=rank)
        ranks = reference.rank_of(self.config)
        self.A_log = nn.Parameter(torch.log(torch.arange(1.0, states + 1)).repeat(inner, 1))
        self.D = nn.Parameter(torch.randn(inner))
        self.in_proj = nn.Linear(width, 2 * inner, bias=False)
        self.conv1d = nn.Conv1d(inner, inner, taps, groups=inner)
        self.x_proj = nn.Linear(inner, ranks + 2 * states, bias=False)
        self.dt_proj = nn.Linear(ranks, inner)
        self.out_proj = nn.Linear(inner, width, bias=False)

    def forward(self, x):
        own = {"2." + name: tensor for name, tensor in self.state_dict().items()}
        return reference.mamba(self.config, own, x, torch.zeros(x.shape[:2]))[0]


class MambaModel(nn.Module):
    """mamba_ssm's MambaLMHeadModel: norm and mixer in each layer, the head tied to the embedding. Its norms'
    epsilon is 1e-5, and ours is not: what they see here is large enough that it does not show."""

    def __init__(self, vocab=23, width=24, depth=2, **mixer):
        super().__init__()
        self.backbone = nn.Module()
        self.backbone.embedding = nn.Embedding(vocab, width)
        self.backbone.layers = nn.ModuleList(
            [nn.ModuleDict(dict(norm=Norm(width, "weight"), mixer=Mamba(width, **mixer)))
             for _ in range(depth)])
        self.backbone.norm_f = Norm(width, "weight")
        self.lm_head = nn.Linear(width, vocab, bias=False)
        self.lm_head.weight = self.backbone.embedding.weight

    def forward(self, tokens):
        x = self.backbone.embedding(tokens)
        for layer in self.backbone.layers:
            x = x + layer["mixer"](layer["norm"](x))
        return self.lm_head(self.backbone.norm_f(x))


class Conv(nn.Module):
    def __init__(self, width, taps):
        super().__init__()
        self.taps = taps
        self.net = nn.Sequential(nn.Conv1d(width, width, taps, groups=width),
                                 nn.Conv1d(width, width, 1))

    def forward(self, x):
        return self.net(F.pad(x.transpose(1, 2), (self.taps - 1, 0))).transpose(1, 2)


class Gated(nn.Module):
    def forward(self, x):
        u, v = x.chunk(2, -1)
        return u * F.gelu(v)


def dense_feed_forward(kind, width):
    if kind == "gelu":
        return nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
    if kind == "geglu with dropout":
        return nn.Sequential(nn.Linear(width, 4 * width), Gated(), nn.Dropout(0.2),
                             nn.Linear(2 * width, width))
    return None


class PublicModel(nn.Module):
    def __init__(self, vocab=23, width=24, depth=2, expansion=1.5, gain="gamma", gates=2,
                 gates_name="to_hidden_and_gate", normalised=True, bias=False, learned=False,
                 project=None, taps=0, feed="gelu", head="to_logits", torch_kind=None, mamba=None):
        super().__init__()
        project = expansion != 1.0 if project is None else project
        self.head = head
        self.token_emb = nn.Embedding(vocab, width)
        self.layers = nn.ModuleList([nn.ModuleList([
            Conv(width, taps) if taps else None,
            Norm(width, gain),
            TorchRecurrence(torch_kind, width, expansion, bias, project) if torch_kind else
            Mamba(width, expansion, **mamba) if mamba is not None else
            Recurrence(width, expansion, gates_name, gates, normalised, bias, learned, project),
            Norm(width, gain),
            dense_feed_forward(feed, width),
        ]) for _ in range(depth)])
        self.norm = Norm(width, gain)
        setattr(self, head, nn.Linear(width, vocab, bias=False))

    def forward(self, tokens):
        x = self.token_emb(tokens)
        for conv, norm, recurrence, feed_norm, feed in self.layers:
            if conv is not None:
                x = x + conv(x)
            x = x + recurrence(norm(x))
            if feed is not None:
                x = x + feed(feed_norm(x))
        return getattr(self, self.head)(self.norm(x))


F_I = "to_hidden_and_f_i_gate"
RELEASE = dict(bias=True, learned=True, project=True, head="to_out", feed=None)
PUBLIC = {
    "minGRULM": dict(),
    "minGRULM with a convolution": dict(taps=3),
    "minGRULM without expansion": dict(expansion=1.0),
    "minLM": dict(gain="weight"),
    "minLM with a convolution": dict(gain="weight", taps=4, expansion=1.3),
    "minLM, minLSTM": dict(gain="weight", gates=3, gates_name=F_I),
    "minLM, minLSTM with a convolution": dict(gain="weight", gates=3, gates_name=F_I, taps=3),
    "minLM, minLSTM without expansion": dict(gain="weight", gates=3, gates_name=F_I,
                                             expansion=1.0),
    "the authors' minGRU": dict(RELEASE, expansion=6.0),
    "the authors' minGRU without expansion": dict(RELEASE, expansion=1.0),
    "the authors' minLSTM": dict(RELEASE, gates=3, normalised=False),
    "the authors' minGRU with GEGLU": dict(RELEASE, feed="geglu with dropout", taps=4),
    "nn.GRU": dict(torch_kind=nn.GRU, gain="weight", bias=True, expansion=1.0),
    "nn.GRU without biases, projected": dict(torch_kind=nn.GRU, gain="weight", expansion=2.0),
    "nn.LSTM": dict(torch_kind=nn.LSTM, bias=True, expansion=1.0, taps=4),
    "nn.LSTM, projected": dict(torch_kind=nn.LSTM, gain="weight", bias=True, expansion=0.5),
    "Mamba": dict(mamba={}, gain="weight", expansion=2.0),
    "Mamba with other sizes": dict(mamba=dict(states=5, taps=3, rank=4), taps=4),
}
MAMBA_MODELS = {
    "mamba_ssm's model": (dict(), lambda name: name),
    "mamba_ssm's model without its head": (dict(states=7), lambda name: None if "head" in name else name),
    "mamba_ssm's model, wrapped": (dict(expansion=1.5), lambda name: "model." + name),
}


def check_module(program, folder, what, model, rename=lambda name: name):
    """The module's tensors by their new names, those of None left out."""
    path = os.path.join(folder, "public.safetensors")
    write_safetensors(path, {rename(n): t for n, t in model.state_dict().items() if rename(n)})
    tokens = torch.randint(23, (BATCH, TIME))
    with torch.no_grad():
        theirs = model.double()(tokens)
    return compare(what, run_ours(program, path, tokens, folder), theirs)


def check_public(program, folder):
    good = True
    for what, options in PUBLIC.items():
        good &= check_module(program, folder, what, PublicModel(**options).eval())
    for what, (options, rename) in MAMBA_MODELS.items():
        good &= check_module(program, folder, what, MambaModel(**options).eval(), rename)
    return good


def check_state_dict(program, folder, variant, **kind):
    """A file of minrnn's is the state dict of such a module, name by name and shape by shape."""
    path = os.path.join(folder, "ours.safetensors")
    call([program, "make", str(variant), path])
    metadata, tensors = read_safetensors(path)
    config = json.loads(metadata["minrnn.config"])
    model = PublicModel(vocab=config["vocab"], width=config["width"], depth=config["layers"],
                        expansion=config["expansion"], gain="weight", bias=config.get("bias", False),
                        learned=config.get("learned_init", False), taps=config["conv"], **kind)
    missing, unexpected = model.load_state_dict(
        {n: t for n, t in tensors.items() if ".4." not in n}, strict=False)
    # The variants have no pointwise convolution and another factor in their feed-forward.
    missing = [n for n in missing if ".4." not in n and ".0.net.1." not in n]
    good = not missing and not unexpected
    print("%-58s %s" % ("load_state_dict, %s" % config["mixer"], "ok" if good else "FAILED"),
          missing, unexpected)
    return good


def main():
    torch.manual_seed(1)
    with tempfile.TemporaryDirectory() as folder:
        good = check_written(sys.argv[1], folder, 9)
        good &= check_public(sys.argv[1], folder)
        good &= check_state_dict(sys.argv[1], folder, 1)
        good &= check_state_dict(sys.argv[1], folder, 6, torch_kind=nn.GRU)
        good &= check_state_dict(sys.argv[1], folder, 7, torch_kind=nn.LSTM)
        good &= check_state_dict(sys.argv[1], folder, 8, mamba=dict(states=5, taps=3))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
