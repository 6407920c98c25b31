#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the fuzz targets' first inputs: what the command writes, the same as the public
implementations write it, and one file for each way of being wrong that a change at random would
hardly find. libFuzzer's merge drops those that reach nothing new.

    tests/fuzz/make_corpus.py BUILD     (of tests/fuzz/run.sh)
"""
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TEXT = "the quick brown fox\n"
CHECKSUM = "minrnn.checksum"


def run(*args):
    subprocess.run([str(arg) for arg in args], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def read_tensors(path):
    """Of a safetensors file: metadata and {name: (dtype, shape, bytes)}."""
    with open(path, "rb") as file:
        content = file.read()
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8:8 + length])
    metadata = header.pop("__metadata__", {})
    data = content[8 + length:]
    return metadata, {name: (entry["dtype"], entry["shape"], data[slice(*entry["data_offsets"])])
                      for name, entry in header.items()}


def pack(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":"),
                                                              ensure_ascii=False).encode()
    return struct.pack("<Q", len(text)) + text + data


def pack_tensors(metadata, tensors):
    header, data = {}, b""
    if metadata is not None:
        header["__metadata__"] = {**metadata, CHECKSUM: "none"}
    for name, (dtype, shape, content) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape,
                        "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    return pack(header, data)


def convert(tensors, dtype):
    """Every tensor in another type."""
    def as_type(content):
        values = struct.unpack(f"<{len(content) // 4}f", content)
        if dtype == "BF16":
            return b"".join(content[i + 2:i + 4] for i in range(0, len(content), 4))
        return struct.pack(f"<{len(values)}{'d' if dtype == 'F64' else 'e'}", *values)
    return {name: (dtype, shape, as_type(content))
            for name, (_, shape, content) in tensors.items()}


def rename(tensors, **names):
    """With the names of a public implementation."""
    def renamed(name):
        parts = name.split(".")
        if "gain" in names and (name == "norm.weight" or (len(parts) == 4 and parts[2] in "13")):
            parts[-1] = names["gain"]
        if "gates" in names:
            parts = [names["gates"] if part == "to_hidden_and_gate" else part for part in parts]
        if "feed_out" in names and len(parts) > 3 and parts[2:4] == ["4", "2"]:
            parts[3] = names["feed_out"]
        if "head" in names and parts[0] == "to_logits":
            parts[0] = names["head"]
        return ".".join(parts)
    return {renamed(name): tensor for name, tensor in tensors.items()}


class Models:
    """Tiny models that the command trains for a step."""

    def __init__(self, minrnn, folder):
        self.minrnn, self.folder = minrnn, folder
        self.data = os.path.join(folder, "data")
        with open(self.data, "w", encoding="utf-8") as file:
            file.write(TEXT)

    def make(self, *options):
        out = os.path.join(self.folder, "model")
        run(self.minrnn, "train", "--device", "cpu", "--data", self.data, "--out", out, "--batch",
            "1", "--time", "2", "--width", "2", "--layers", "1", "--steps", "1", "--overwrite",
            *options)
        return read_tensors(out), read_tensors(out + ".state")


PLAIN = ["--conv", "0", "--feed-forward", "none"]


def malformed():
    one = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    tensor = lambda **change: pack({"a": {**one, **change}}, b"1234")
    yield b""
    yield pack(b"[]")
    yield pack(b"{")
    yield pack(b"{} x")
    yield pack(b'{"\\u0000":1}')
    yield struct.pack("<Q", 2**62) + b"{}"
    yield struct.pack("<Q", 90) + b"{}"
    yield pack(b"{" + b"," * (1 << 5) + b"}")
    yield pack({"__metadata__": 1})
    yield pack({"__metadata__": {"a": 1}})
    yield pack(b'{"__metadata__":{"a":"","a":""}}')
    yield pack({"a\n": one}, b"1234")
    yield pack({"a": 1})
    yield tensor(dtype="F31")
    yield tensor(shape=1)
    yield tensor(shape=[1] * 9)
    yield tensor(shape=[1.5])
    yield tensor(shape=[2**52, 2**52])
    yield tensor(shape=[2])
    yield tensor(data_offsets=[4, 0])
    yield tensor(data_offsets=[0])
    yield tensor(data_offsets=[4, 8])
    yield pack({"a": one, "b": one}, b"1234")
    yield pack({"a": one}, b"123")
    yield pack({"a": one}, b"12345")
    yield pack(b'{"a":%b,"a":%b}' % (json.dumps(one).encode(), json.dumps(
        {**one, "data_offsets": [4, 8]}).encode()), b"12345678")
    yield pack({"__metadata__": {"minrnn.version": "1"}})
    yield pack({"__metadata__": {CHECKSUM: "none"}})
    yield pack({"__metadata__": {CHECKSUM: "x"}})
    yield pack({"__metadata__": {CHECKSUM: "0" * 16}})
    yield pack({"__metadata__": {CHECKSUM: "none", "minrnn.config": "[]"}})
    yield pack({"__metadata__": {CHECKSUM: "none", "minrnn.config": "{}"}})


def changed_config(metadata, key="minrnn.config", **change):
    return {**metadata, key: json.dumps({**json.loads(metadata[key]), **change})}


def other_configs(metadata, key, names):
    """Each without one of the settings, as an older version leaves it, and with it twice."""
    config = json.loads(metadata[key])
    for name in names:
        yield {**metadata, key: json.dumps({k: v for k, v in config.items() if k != name})}
        yield {**metadata, key: '{"%s":%s,' % (name, json.dumps(config[name])) + metadata[key][1:]}


def model_files(models):
    (meta, full), _ = models.make("--conv", "2")
    (plain_meta, plain), _ = models.make(*PLAIN)
    (lstm_meta, lstm), _ = models.make("--mixer", "minlstm", "--normalised", "--learned-init",
                                       "--conv", "0", "--feed-forward", "geglu", "--candidate",
                                       "g", "--expansion", "1")
    (_, point), _ = models.make("--conv", "2", "--conv-pointwise", "--feed-forward", "none")
    (log_meta, log), _ = models.make(*PLAIN, "--layers", "2", "--candidate", "g", "--scan", "log")
    yield from malformed()
    yield pack_tensors(meta, full)
    yield pack_tensors(lstm_meta, lstm)
    yield pack_tensors(log_meta, log)
    for dtype in ("F64", "F16", "BF16"):
        yield pack_tensors(plain_meta, convert(plain, dtype))
    yield pack_tensors(plain_meta, {**plain, "norm.weight": ("I64", [2], bytes(16))})
    yield pack_tensors(plain_meta, {**plain, "norm.weight": ("F32", [1, 2], bytes(8))})
    yield pack_tensors(plain_meta, {**plain, "more": ("F32", [1], bytes(4))})
    yield pack_tensors(plain_meta, {k: v for k, v in plain.items() if k != "norm.weight"})
    yield pack_tensors({k: v for k, v in plain_meta.items() if k != "minrnn.vocabulary"}, plain)
    nan = {name: (dtype, shape, b"\xff" * len(data)) for name, (dtype, shape, data) in plain.items()}
    yield pack_tensors(plain_meta, nan)
    for vocabulary in ("ab", "aa", "", "\u20ac\U0001f600"):
        yield pack_tensors({**plain_meta, "minrnn.vocabulary": vocabulary}, plain)
    for change in ({"layers": 4097}, {"vocab": 2**60}, {"conv": 65}, {"conv_pointwise": True},
                   {"feed_forward": "gelu", "feed_forward_factor": 1e30}, {"dropout": 1},
                   {"mixer": "lstm"}, {"expansion": 1e30}, {"forget_offset": "x"},
                   {"normalised": 1}, {"candidate": "h"}, {"bias": 0}, {"mixer": "m" * 16},
                   {"more": 1}, {"alg": "log"}, {"width": 0.5}):
        yield pack_tensors(changed_config(plain_meta, **change), {"a": ("F32", [1], bytes(4))})
    for other in other_configs(lstm_meta, "minrnn.config", ("mixer", "candidate", "dropout")):
        yield pack_tensors(other, lstm)
    # What the public implementations write has no metadata, or "format" alone.
    yield pack_tensors(None, rename(full, gain="gamma", feed_out="3"))
    yield pack_tensors(None, rename(lstm, gain="gamma", gates="to_hidden_and_f_i_gate"))
    yield pack_tensors(None, rename(plain, head="to_out"))
    yield pack_tensors(None, {**plain, "layers.0.3.weight": ("F32", [2], bytes(8))})
    yield pack_tensors(None, {**plain, "layers.9.3.weight": ("F32", [2], bytes(8))})
    yield pack_tensors(None, point)
    yield pack_tensors(None, {"token_emb.weight": plain["token_emb.weight"]})
    for name, shape in (("layers.0.2.to_hidden_and_gate.weight", [1]),
                        ("layers.0.2.to_hidden_and_gate.weight", [5, 2]),
                        ("layers.0.0.net.0.weight", [1]), ("layers.0.4.0.weight", [3, 1])):
        size = 4
        for length in shape:
            size *= length
        yield pack_tensors(None, {**plain, name: ("F32", shape, bytes(size))})
    yield from foreign(plain)


def foreign(plain):
    """What others make of such a model, and files that are none."""
    embed, head = "token_emb.weight", "to_logits.weight"
    without = lambda *names: {k: v for k, v in plain.items() if k not in names}
    shape = ("F32", [256, 2], bytes(2048))
    yield pack_tensors(None, {**plain, embed: shape, head: shape})
    yield pack_tensors(None, {"module._orig_mod." + name: t for name, t in plain.items()})
    yield pack_tensors({head: embed}, without(head))
    yield pack_tensors({"m." + embed: "m." + head},
                       {"m." + name: t for name, t in without(embed).items()})
    yield pack_tensors(None, without(head))
    yield pack_tensors({"norm.weight": "norm.weight"}, without("norm.weight"))
    yield pack({"__metadata__": None, "a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}},
               b"1234")
    yield from NO_MODELS


NO_MODELS = [
    b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 1\n",
    b"/annex/objects/SHA256E-s1--a\n", b"outs:\n- md5: a\n  path: a\n",
    b"PK\3\4" + bytes(22) + b"\x0a\0\0\0a/data.pkl", b"PK\3\4" + bytes(22) + b"\5\0\0\0a.npy",
    b"PK\3\4" + bytes(22) + b"\xff\xff\0\0a", b"\x80\2\x8a\nl\xfc\x9cF\xf9", b"\x80\4\x95\0",
    b"\x93NUMPY\1\0", b"\x89HDF\r\n\x1a\n", b"GGUF\3\0\0\0", b"\x08\7\x12\7pytorch\x1a\1x",
    b"\x1f\x8b\x08\0", b"\x28\xb5\x2f\xfd\0", b"BZh91AY&SY", b"%PDF-1.7\n\xff", bytes(100),
    b'{"metadata": {}, "weight_map": {}}', b" [1, 2, 3]", b"<!DOCTYPE html><html>", b"<?xml?><a/>",
    b"Entry not found", bytes(257) + b"ustar",
]


def state_files(models):
    _, (meta, plain) = models.make(*PLAIN)
    _, (cosine_meta, lstm) = models.make(*PLAIN, "--mixer", "minlstm", "--warmup", "3",
                                         "--dropout", "0.5", "--accumulation", "2")
    _, (full_meta, full) = models.make("--conv", "2", "--feed-forward", "geglu")
    yield pack_tensors(meta, plain)
    yield pack_tensors(cosine_meta, lstm)
    yield pack_tensors(full_meta, full)
    small = {"a": ("F32", [1], bytes(4))}
    for key in ("minrnn.trainer", "minrnn.step", "minrnn.config"):
        yield pack_tensors({k: v for k, v in meta.items() if k != key}, small)
    for step in ("", "-1", "9" * 18, "9" * 19, "x"):
        yield pack_tensors({**meta, "minrnn.step": step}, plain if len(step) == 18 else small)
    for change in ({"batch": 0}, {"batch": 2**31}, {"time": 2**30}, {"accumulation": 2**40},
                   {"steps": 0}, {"warmup": -1}, {"rate": -1}, {"beta1": 1}, {"epsilon": 0},
                   {"schedule": "linear"}, {"seed": 1}, {"seed": "1" * 30}, {"clip": 1e39},
                   {"more": 1}):
        yield pack_tensors(changed_config(meta, "minrnn.trainer", **change), small)
    for other in other_configs(meta, "minrnn.trainer", ("rate", "seed")):
        yield pack_tensors(other, plain)
    yield pack_tensors(changed_config(meta, "minrnn.trainer", batch=2**20, time=2**10), plain)
    yield pack_tensors(changed_config(meta, "minrnn.trainer", accumulation=2**20), plain)
    yield pack_tensors(meta, {k: v for k, v in plain.items() if k != "adamw.v.norm.weight"})
    yield pack_tensors(meta, {**plain, "adamw.m.norm.weight": ("I32", [2], bytes(8))})
    for filler in (b"\x7f", b"\xff"):
        yield pack_tensors(meta, {name: (dtype, shape, filler * len(data))
                                  for name, (dtype, shape, data) in plain.items()})


def texts():
    options = [bytes(9), b"\x02\x03\0\0\0\0\0\x01\x00", b"\x01\x42" + b"\xff" * 7]
    contents = [b"", b"short", b"hello, hello world", "gr\u00fc\u00dfe, \u20ac \U0001f600!".encode(),
                b"a" * 100, b"nul\0nul nul nul", b"\xff\xfe invalid at once", b"cut off \xe2\x82",
                b"overlong \xc0\x80 or \xe0\x80\x80", b"surrogate \xed\xa0\x80",
                b"past the end \xf4\x90\x80\x80", b"\x1b[2J\t\r\n control characters",
                bytes(range(1, 128)), b"abababababab" + "\u0429\u202e\ufeff".encode()]
    contents += [b"\xef\xbb\xbfmarked text", b"\xef\xbb\xbf", b"x", "caf\u00e9 au lait".encode("cp1252"),
                 *(text.encode(codec) for text, codec in (
                     ("to be or not", "utf-16"), ("to be or not", "utf-16-be"),
                     ("to be", "utf-32"), ("to be or", "utf-32-le"),
                     ("\u7b2c\u4e00\u516c\u6c11\u8bf4\uff0c\u8bf7\u542c\u6211\u8bf4\u3002" * 2, "gb18030"),
                     ("\u7b2c\u4e00\u516c\u6c11\u8aaa\uff0c\u8acb\u807d\u6211\u8aaa\u3002" * 2, "big5"),
                     ("\u540d\u524d\u306f\u307e\u3060\u7121\u3044\u3069\u3053\u3067" * 2, "shift-jis"),
                     ("\u0412\u0441\u0435 \u0441\u043c\u0435\u0448\u0430\u043b\u043e\u0441\u044c" * 2,
                      "koi8-r")))]
    for content in contents + NO_MODELS:
        for option in options:
            yield option + content


def caches():
    def hash_of(data):
        value = 0xCBF29CE484222325
        for byte in data:
            value = (value ^ byte) * 0x100000001B3 & (2**64 - 1)
        return value

    def pack_cache(key, binary, magic=b"minrnnP1", **wrong):
        lengths = struct.pack("<QQ", wrong.get("key_bytes", len(key)),
                              wrong.get("binary_bytes", len(binary)))
        checksum = hash_of(lengths + key + binary) ^ wrong.get("flip", 0)
        return magic + lengths + struct.pack("<Q", checksum) + key + binary

    good = pack_cache(b"key", b"\x01\x02\x03")
    yield good
    yield b""
    yield good[:20]
    yield good[:-1]
    yield good + b"\0"
    yield pack_cache(b"kez", b"\x01\x02\x03")
    yield pack_cache(b"key2", b"\x01\x02\x03")
    yield pack_cache(b"key", b"")
    yield pack_cache(b"key", b"123", flip=1)
    yield pack_cache(b"key", b"123", magic=b"minrnnP0")
    yield pack_cache(b"key", b"123", key_bytes=2**64 - 1)
    yield pack_cache(b"key", b"123", binary_bytes=2**63)
    yield pack_cache(b"key", b"123", key_bytes=4, binary_bytes=2)


TINY = ["--data", "data", "--device=cpu", "--width=2", "--layers=1", "--conv=2", "--batch=1",
        "--time=3", "--steps=2"]
LOG = ("step,loss,gradient_norm,rate,tokens_per_second,validation_loss\n"
       "1,2.5,1,0.1,9.0,\n2,2.5,1,0.1,9.0,2.5\n7,2.5,1,0.1,9.0,\nhalf a li")


def commands():
    def line(*arguments, file=""):
        return "\n".join(arguments) + ("\n\n" + file if file else "")
    lines = [
        line(), line("--help"), line("-h"), line("--version"), line("no\tsuch\t\tcommand"),
        line("devices"), line("devices", "--help"), line("devices", "more"),
        line("validate", "--help"), line("validate", "--small", "--device", "cpu"),
        line("validate", "--op=gemm", "--thorough", "--seed=13"), line("validate", "--op=none"),
        line("validate", "--seed", "x"), line("validate", "--device=7"),
        line("validate", "--device=opencl"), line("validate", "--small=1"),
        line("bench"), line("bench", "--help"), line("bench", "fly"), line("bench", "copy", "--help"),
        line("bench", "copy", "--bytes=4,1k-64k*4", "-r1", "--warm-up", "0", "--format=json", "--device=cpu"),
        line("bench", "gemm", "--m", "1-3", "--n=2", "--k", "2,4", "--transpose=nt,tn", "-r",
             "2", "--format", "markdown"),
        line("bench", "gemm", "--preset=small", "--no-validate", "-r2", "--device=all"),
        line("bench", "scan", "--scan=linear,log_minlstm", "--batch", "1", "--time=3-9+3", "--width=2", "-r", "1"),
        line("bench", "layer", "--batch=1", "--time=2", "--width=2", "--classes", "2",
             "--format=csv", "-r", "1", "--device=cpu", "--device=0"),
        line("bench", "layer", "--profile", "--batch=1", "--time=2", "--width=2", "-r", "1"),
        line("bench", "step", "--width=2", "--layers=1", "--batch=1", "--time=2", "-r", "1"),
        line("bench", "step", "--profile", "--width=2", "--layers=1", "--batch=1", "--time=2",
             "-r", "1", "--format=json"),
        line("bench", "generate", "--width=2", "--layers=1", "-r", "1", "--mixer=minlstm"),
        line("bench", "compile", "--width=2", "--layers=1", "--batch=1", "--time=2"),
        line("bench", "figure1", "--quick", "--width=2", "--batch=1", "-r", "1", "--time", "4-8*2"),
        line("bench", "layer", "--time", "8-4"), line("bench", "layer", "--mixer", "gru,"),
        line("bench", "copy", "-r"),
        line("generate", "--help"), line("generate"), line("generate", "--model", "none"),
        line("generate", "--model", "model", "--prompt", "the", "--length", "5", "--top-k", "2",
             "--temperature=0.5", "--seed=18446744073709551615"),
        line("generate", "--model=model", "--prompt=T\u00e9"),
        line("generate", "--model=model", "--prompt="), line("generate", "--model=model",
                                                            "--prompt=a", "--device=gpu"),
        line("generate", "--model=model", "--temperature", "-1"),
        line("generate", "--model=model", "--prompt=a", "--length=0"),
        line("generate", "--model=model", "--prompt=a", "--temperature=1e38"),
        line("generate", "--model=file", file="no model"),
        line("generate", "--model=model", "--length=4", "--stop=e "),
        line("generate", "--model=model", "--prompt-file=file", file="\ufeffthe"),
        line("generate", "--model=model", "--prompt-file=-", "--prompt=a"),
        line("generate", "--model=model", "--prompt-file=-"),
        line("eval", "--model=model", "--data=data", "--split=all", "--batch=1"),
        line("eval", "--model=model", "--data=-"), line("eval", "--model=model", "--data=."),
        line("eval", "--help"), line("eval"), line("eval", "--model=model", "--data=data",
                                                   "--batch=2", "--time=3", "--device=cpu"),
        line("eval", "--model=model", "--data=data", "--split=train", "--time=9", "--batch=1"),
        line("eval", "--model=model", "--data=data"),
        line("eval", "--model=model", "--data=data", "--time=9223372036854775807"),
        line("eval", "--model=model", "--data=file", "--batch=1", "--time=2", file="unknown: \u20ac"),
        line("eval", "--model=model.state", "--data=model", "--split=test"),
        line("train"), line("train", "--help"), line("train", "--preset=shakespeare", "--data=data"),
        line("train", *TINY), line("train", *TINY, "--log=csv", "--eval-every=1", "--save-every=1"),
        line("train", *TINY, "--mixer", "minlstm", "--normalised", "--feed-forward=geglu",
             "--learned-init", "--candidate=g", "--scan=log", "--forget-offset=1"),
        line("train", *TINY, "--bias", "--project", "--beta1=0.5", "--beta2=1", "--epsilon=0"),
        line("train", *TINY, "--scan=log"), line("train", *TINY, "--conv-pointwise", "--clip=0"),
        line("train", *TINY, "--dropout=0.5", "--accumulation=2", "--seed=7", "--eval-batches=1"),
        line("train", *TINY, "--dropout=1"), line("train", *TINY, "--rate=1e38", "--clip=0"),
        line("train", *TINY, "--check-numbers", "--rate=1e30", "--clip=0", "--warmup=0"),
        line("train", "--data=data", "--resume", "--out=model", "--steps=3", "--check-numbers"),
        line("train", *TINY, "--schedule=constant", "--warmup=1", "--weight-decay=0.1"),
        line("train", *TINY, "--time=60"), line("train", *TINY, "--width=99999999999"),
        line("train", *TINY, "--batch=2147483647", "--time=2147483647"),
        line("train", *TINY, "--steps=9223372036854775807", "--schedule-steps=1"),
        line("train", *TINY, "--out=/dev/full"), line("train", *TINY, "--log=/dev/full"),
        line("train", *TINY, "--out=.."), line("train", *TINY, "--out=" + "x" * 300),
        line("train", *TINY, "--out=data"), line("train", *TINY, "--log=data"),
        line("train", *TINY, "--log=a", "--out=a"), line("train", *TINY, "--log=a.state", "--out=a"),
        line("train", *TINY, "--data=data.state", "--out=data"), line("train", "--data=none"),
        line("train", "--data=file", file="short"), line("train", *TINY, "--task=copy"),
        line("train", "--data=data", "--resume", "--out=model"),
        line("train", "--data=data", "--resume", "--out=model", "--steps=6", "--log=file", file=LOG),
        line("train", "--data=data", "--resume", "--out=model", "--schedule-steps=9", "--log=csv"),
        line("train", "--data=data", "--resume", "--out=model", "--log=file", file="not a log"),
        line("train", "--data=data", "--resume", "--out=model", "--width=8"),
        line("train", "--data=data", "--resume", "--out=model", "--rate=0.5"),
        line("train", "--data=data", "--resume", "--out=model", "--mixer=minlstm"),
        line("train", "--data=data", "--resume", "--out=model", "--preset=shakespeare"),
        line("train", "--data=data", "--resume", "--out=none"),
        line("train", "--data=data", "--resume", "--out=data"),
        line("train", *TINY, "--out=model"), line("train", *TINY, "--out=model", "--overwrite"),
        line("train", "--data=data", "--resume", "--out=model", "--preset=small"),
        line("train", "--data=data", "--resume", "--out=model", "--overwrite"),
        line("train", *TINY, "--log=file", "--overwrite", file=LOG),
        line("train", *TINY, "--data=data.state", "--data=file", file="a fox"),
        line("train", *TINY, "--validation=data.state", "--validation=data", "--eval-every=1"),
        line("train", *TINY, "--validation=file", file="unknown: \u20ac"),
        line("train", *TINY, "--tokens=bytes", "--validation=file", file="\0\u20ac"),
        line("train", "--data=data", "--resume", "--out=model", "--tokens=bytes"),
        line("train", *TINY, "--data=-", "--validation=-"), line("train", *TINY, "--data=."),
    ]
    for text in lines:
        yield text.encode()


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        models = Models(os.path.join(build, "src", "cli", "minrnn"), folder)
        for target, inputs in (("cache", caches()), ("command", commands()),
                               ("model_file", model_files(models)),
                               ("state_file", state_files(models)), ("text", texts())):
            seeds = os.path.join(folder, target)
            os.mkdir(seeds)
            for number, content in enumerate(inputs):
                with open(os.path.join(seeds, f"{number:03}"), "wb") as file:
                    file.write(content)
            corpus = os.path.join(HERE, "corpus", target)
            shutil.rmtree(corpus, ignore_errors=True)
            os.makedirs(corpus)
            run(os.path.join(build, "tests", "fuzz", "fuzz_" + target), "-merge=1", corpus, seeds)
            files = [os.path.join(corpus, name) for name in os.listdir(corpus)]
            print(f"{target}: {len(files)} of {len(os.listdir(seeds))} inputs, "
                  f"{sum(map(os.path.getsize, files))} bytes")


main()
