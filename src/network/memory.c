/* SPDX-License-Identifier: Apache-2.0 */
/* What a model and what works on it need, against what the device has. */
#include "network/memory.h"

#include "base/sized.h"
#include "op/room.h"

/* What lies in one buffer each. */
struct whole {
    const char *name;
    uint64_t bytes;
};

enum { WHOLES = 4 };

/* The workspace lies in several; of it this is the largest tensor, if that is large. */
static void wholes_of(const minrnn_memory *memory, struct whole wholes[WHOLES]) {
    wholes[0] = (struct whole){"the parameters", memory->parameters};
    wholes[1] = (struct whole){"the gradients", memory->gradients};
    wholes[2] = (struct whole){"the moments", memory->moments};
    wholes[3] = (struct whole){"the largest tensor of the workspace", memory->largest};
}

void memory_sum(minrnn_memory *memory) {
    struct whole wholes[WHOLES];
    wholes_of(memory, wholes);
    for (int i = 0; i < WHOLES; i++) {
        memory->largest = wholes[i].bytes > memory->largest ? wholes[i].bytes : memory->largest;
    }
    memory->total = memory->parameters + memory->gradients + memory->moments + memory->workspace;
}

minrnn_status memory_check(const minrnn_device *device, const char *what,
                           const minrnn_memory *memory, uint64_t made) {
    struct whole wholes[WHOLES];
    wholes_of(memory, wholes);
    minrnn_status status = device_check_room(device, what, memory->total - made, memory->host);
    for (int i = 0; !status && i < WHOLES; i++) {
        status = device_check_buffer(device, what, wholes[i].name, wholes[i].bytes);
    }
    return status;
}

static const struct sized_type memory_type = SIZED_TYPE(minrnn_memory, "minrnn_model_memory");

minrnn_status minrnn_memory_check(const minrnn_device *device, const minrnn_memory *memory) {
    if (!device || !memory) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_memory_check: an argument is NULL");
    }
    minrnn_memory own = {0};
    const minrnn_status status = sized_take(&memory_type, memory, &own);
    return status ? status : memory_check(device, "this", &own, 0);
}
