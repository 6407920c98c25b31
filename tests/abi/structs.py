# SPDX-License-Identifier: Apache-2.0
"""What the tests of the ABI know of the public structs."""

# They begin with their size, and stay as they are: they lie inside others.
NEVER_GROWS = {"minrnn_mixer_config", "minrnn_task_config"}
