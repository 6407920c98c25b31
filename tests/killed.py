# SPDX-License-Identifier: Apache-2.0
"""What killed processes leave on the machine, for tests that kill.

Clang's OpenMP notes each process in shared memory, by number. One that is killed as it starts leaves
an empty note, and a later process of the same number dies of a bus error when it reads it.
"""

import pathlib
import re


def clean_up():
    """Removes the notes of processes that are gone."""
    for note in pathlib.Path("/dev/shm").glob("__KMP_REGISTERED_LIB_*"):
        number = re.match("[0-9]+", note.name.removeprefix("__KMP_REGISTERED_LIB_"))
        if number and not pathlib.Path("/proc", number[0]).exists():
            note.unlink(missing_ok=True)
