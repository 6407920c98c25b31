/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of sizes as one writes them: "64,256", "512-65536*2", "100-500+100". */
#ifndef CLI_RANGES_H
#define CLI_RANGES_H

#include <stdbool.h>
#include <stdint.h>

enum { RANGES_MOST = 256 };

struct ranges {
    int64_t values[RANGES_MOST];
    int count;
};

/* Reads numbers and ranges with commas between them. a-b is every number from a to b; a-b*f
 * multiplies by f, and a-b+s adds s, as long as b is not passed. A number may end in k, M or G:
 * 2^10, 2^20, 2^30. False, and nothing is changed, if it is something else, if a number is below
 * `least`, or if there are more than RANGES_MOST. */
bool ranges_parse(const char *text, int64_t least, struct ranges *ranges);

#endif
