/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations as JSON: one flat object, a member for each setting. */
#ifndef STORE_SETTINGS_JSON_H
#define STORE_SETTINGS_JSON_H

#include "layer/setting.h"

/* An object with every setting by name; numbers come back as they were. The caller frees the text
 * (mem_free); NULL, with the error text set, without memory. */
char *settings_print(const struct settings *settings, const void *config);

/* Fills a configuration of the library's own size from such an object. A setting that it lacks is
 * standard: older versions did not know it. One that this version does not know is an error, as is
 * one that comes twice. `where` begins the error text. What the values may be is the caller's to
 * check, but for names: what else is read depends on those. */
minrnn_status settings_read(const struct settings *settings, const char *where, const char *json,
                            void *config);

#endif
