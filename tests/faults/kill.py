# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random moments of a run that saves after every step, then --resume: the model and the
state that come out are, byte for byte, those of a run that nobody killed.

kill.py MINRNN [TRIALS] [SEED]
"""

import os
import random
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import killed

STEPS = 8
KILLS = 3  # a trial
OPTIONS = ["--device", "cpu", "--width", "16", "--layers", "1", "--batch", "2", "--time", "16",
           "--dropout", "0.1", "--steps", str(STEPS), "--schedule-steps", str(STEPS),
           "--save-every", "1", "--eval-every", "0", "--eval-batches", "1"]


def start(program, folder, resume):
    command = [program, "train", "--data", os.path.join(folder, "..", "text"),
               "--out", os.path.join(folder, "model")] + OPTIONS
    return subprocess.Popen(command + (["--resume"] if resume else []),
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finish(process):
    text = process.communicate()[1].decode()
    if process.returncode != 0:
        sys.exit("exit code %d: %s" % (process.returncode, text))


def content(folder):
    result = {}
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as file:
            result[name] = file.read()
    return result


def trial(program, folder, duration, counts):
    state = os.path.join(folder, "model.state")
    for _ in range(KILLS):
        process = start(program, folder, os.path.exists(state))
        time.sleep(random.uniform(0, duration))
        process.kill()
        process.communicate()
        killed.clean_up()
        if process.returncode == -9:
            counts["killed"] += 1
            counts["resumable"] += os.path.exists(state)
            counts["saving"] += any(name.endswith(".tmp") for name in os.listdir(folder))
        elif process.returncode != 0:
            sys.exit("exit code %d before the kill" % process.returncode)
    finish(start(program, folder, os.path.exists(state)))


def main():
    program = sys.argv[1]
    trials = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 30)
    print("seed", seed)
    random.seed(seed)
    with tempfile.TemporaryDirectory() as root:
        with open(os.path.join(root, "text"), "w") as file:
            file.write("The quick brown fox jumps over the lazy dog. " * 100)
        whole = os.path.join(root, "whole")
        os.mkdir(whole)
        began = time.monotonic()
        finish(start(program, whole, False))
        duration = time.monotonic() - began
        expected = content(whole)
        assert sorted(expected) == ["model", "model.state"], sorted(expected)
        counts = {"killed": 0, "resumable": 0, "saving": 0}
        for number in range(trials):
            folder = os.path.join(root, str(number))
            os.mkdir(folder)
            trial(program, folder, duration, counts)
            found = content(folder)
            if found != expected:
                different = sorted(n for n in set(found) | set(expected)
                                   if found.get(n) != expected.get(n))
                sys.exit("trial %d: not as of a run that nobody killed: %s" % (number, different))
        print("%d trials, a run takes %.2f s; %d kills, %d with a state to resume from, %d amid a "
              "save; all ended in the same bytes" % (trials, duration, counts["killed"],
                                                     counts["resumable"], counts["saving"]))
        # Kills that all came too early or too late would show nothing.
        return 0 if counts["resumable"] >= trials / 4 else 1


if __name__ == "__main__":
    sys.exit(main())
