/* SPDX-License-Identifier: Apache-2.0 */
/* Micro-batches measured by their fences. */
#include "train/pace.h"

#define LONG 2.0 /* seconds: two micro-batches of it are far from what any driver gives up at */

void pace_note(struct pace *pace, const struct piece *piece) {
    const double passed = piece->fence.passed;
    if (passed > pace->passed) {
        const double since = piece->begun > pace->passed ? piece->begun : pace->passed;
        pace->quick = passed - since < LONG;
        pace->passed = passed;
    }
}
