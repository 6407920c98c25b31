/* Configurations as JSON: one list of fields each, for writing, reading and comparing. */
#ifndef STORE_SETTINGS_JSON_H
#define STORE_SETTINGS_JSON_H

#include "base/status.h"

struct config_field;

struct config_fields {
    const struct config_field *fields;
    int count;
};

extern const struct config_fields model_config_fields;   /* of a minrnn_model_config */
extern const struct config_fields trainer_config_fields; /* of a minrnn_trainer_config */

/* An object with every field by name; numbers come back as they were. The caller frees the text
 * (mem_free); NULL, with the error text set, without memory. */
char *config_print(const struct config_fields *fields, const void *config);

/* Fills a configuration from such an object, which must have every field and no other. `where`
 * begins the error text. What the values may be is the caller's to check. */
minrnn_status config_parse(const struct config_fields *fields, const char *where, const char *json,
                           void *config);

/* MINRNN_OK where all fields are equal, else MINRNN_INVALID_ARGUMENT naming the first that is not,
 * and what `a` (that of the file `where`) and `b` have. */
minrnn_status config_compare(const struct config_fields *fields, const char *where, const void *a,
                             const void *b);

#endif
