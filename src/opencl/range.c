/* SPDX-License-Identifier: Apache-2.0 */
/* Index spaces as drivers take them: in parts, if there are too many work-groups. */
#include "base/size.h"
#include "opencl/launch.h"

static size_t group_size(const struct launch_range *range, int dimension) {
    return range->local[dimension] ? range->local[dimension] : 1;
}

/* Work-items of a part along a dimension. */
static size_t most_items(const struct cl_traits *traits, const struct launch_range *range,
                         int dimension) {
    return dimension == 0 ? range->global[0]
                          : (size_t)traits->most_groups * group_size(range, dimension);
}

static size_t parts_along(const struct cl_traits *traits, const struct launch_range *range,
                          int dimension) {
    const size_t items = range->global[dimension], most = most_items(traits, range, dimension);
    return items > most ? (items + most - 1) / most : 1;
}

size_t launch_parts(const struct cl_traits *traits, const struct launch_range *range) {
    return parts_along(traits, range, 1) * parts_along(traits, range, 2);
}

struct launch_part launch_part(const struct cl_traits *traits, const struct launch_range *range,
                               size_t number) {
    const size_t along_1 = parts_along(traits, range, 1);
    const size_t place[3] = {0, number % along_1, number / along_1};
    struct launch_part part = {.dimensions = 1};
    for (int i = 0; i < 3; i++) {
        const size_t items = i > 0 && range->global[i] == 0 ? 1 : range->global[i];
        const size_t most = most_items(traits, range, i);
        part.offset[i] = place[i] * most;
        part.global[i] = items - part.offset[i] < most ? items - part.offset[i] : most;
        part.local[i] = group_size(range, i);
        part.has_local |= range->local[i] != 0;
        if (part.global[i] > 1 || part.local[i] > 1 || part.offset[i] > 0) {
            part.dimensions = i + 1;
        }
    }
    return part;
}

minrnn_status launch_check(const struct launch_range *range, const char *kernel) {
    const size_t groups = range->global[0] / group_size(range, 0);
    return range->local[0] == 0 || groups <= INT32_MAX
               ? MINRNN_OK
               : fail(MINRNN_UNSUPPORTED,
                      "kernel %s: %zu work-groups in dimension 0, where devices have %d at most",
                      kernel, groups, INT32_MAX);
}
