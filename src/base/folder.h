/* SPDX-License-Identifier: Apache-2.0 */
/* The folder where the library keeps what it can do without: programs, verdicts. */
#ifndef BASE_FOLDER_H
#define BASE_FOLDER_H

#include <stdbool.h>

enum { CACHE_PATH_BYTES = 4096 };

/* The folder of the cache: MINRNN_CACHE (empty: no cache), else minrnn in XDG_CACHE_HOME, else in
 * ~/.cache. False if there is none. */
bool cache_folder(char folder[CACHE_PATH_BYTES]);

/* Makes the folder and those above it, as far as that works. */
void cache_folder_make(const char *folder);

#endif
