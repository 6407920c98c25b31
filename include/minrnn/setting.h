/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Settings by name: what a configuration holds, what may be in it, and what each member is for.
 *
 * The members of minrnn_model_config and minrnn_trainer_config can be written directly. By name, as
 * text, all of them and a mixer's own are reached with minrnn_model_set, minrnn_trainer_set and
 * minrnn_mixer_set. A program then need not know them: minrnn_model_setting, minrnn_trainer_setting
 * and minrnn_mixer_setting list them. Numbers are written with a point, whatever the process's
 * locale is. */
#ifndef MINRNN_SETTING_H
#define MINRNN_SETTING_H

#include <minrnn/export.h>
#include <minrnn/status.h>

MINRNN_BEGIN_DECLS

/** What a value is. Later versions append new kinds. */
typedef enum minrnn_setting_kind {
    MINRNN_SETTING_INTEGER = 0, /**< int64_t */
    MINRNN_SETTING_SEED = 1,    /**< uint64_t, any */
    MINRNN_SETTING_REAL = 2,    /**< float, finite */
    MINRNN_SETTING_FLAG = 3,    /**< bool; as text "on" or "off"; "true" and "false" are read too */
    MINRNN_SETTING_CHOICE = 4,  /**< an enum; as text one of `names` */
    MINRNN_SETTING_NAME = 5     /**< char[16]; as text one of `names` */
} minrnn_setting_kind;

/** One setting. The struct is the library's own, constant, there as long as the library is; later
 * versions may add members at the end. */
typedef struct minrnn_setting {
    const char *name;         /**< the member's */
    const char *help;         /**< what it is for, in one line */
    minrnn_setting_kind kind; /**< what its value is */
    double low,               /**< the least value of an integer or a real; infinite: any */
        high;                 /**< the largest; infinite: any */
    bool above_low;           /**< `low` itself is not allowed */
    bool below_high;          /**< `high` itself is not allowed */
    /** The standard value: a number; of a flag 0 or 1; of a choice or a name its place in
     * `names`. */
    double standard;
    const char *const *names; /**< of a choice or a name: what is allowed, NULL at the end */
    const char *option;       /**< of minrnn train, without "--"; NULL: `name` with - for _ */
    /** A resumed run may have another value: minrnn_trainer_resume takes the new one. */
    bool per_run;
} minrnn_setting;

/** The room that every value's text fits into. */
enum { MINRNN_SETTING_TEXT = 64 /**< bytes, the final NUL included */ };

MINRNN_END_DECLS

#endif
