/* What a sequence mixer is: a const table that computes through the op table alone. */
#ifndef MIXER_MIXER_H
#define MIXER_MIXER_H

#include "layer/setting.h"
#include "mixer/parameter.h"
#include "op/arena.h"
#include "op/op.h"

enum { MIXER_MAX_PARAMETERS = 8, MIXER_MAX_CHANNELS = 1 << 20 };

/* One forward or backward call; the tensors are those of minrnn_mixer_tensors. The kind takes what
 * it keeps for backward from `saved`, in an order that backward repeats, and what it needs for the
 * duration of the call from `temporary`, released before it returns. */
struct mixer_call {
    struct op_context *context;
    const minrnn_mixer_config *config;
    int64_t batch, time;
    minrnn_tensor parameters, gradients;
    minrnn_tensor x, y;
    minrnn_tensor state, state_out;
    minrnn_tensor reset, lengths;
    minrnn_tensor dy, dstate_out;
    minrnn_tensor dx, dstate;
    struct arena *saved;
    struct arena *temporary;
};

struct mixer_kind {
    const char *name;
    const struct settings *settings; /* the kind's own: what lies in a configuration's room */
    /* What no row can say; every value by itself was checked. */
    minrnn_status (*check)(const minrnn_mixer_config *config);
    /* Fills names, shapes and initialisation; returns how many. None of them decays. */
    int (*parameters)(const minrnn_mixer_config *config,
                      struct parameter parameters[MIXER_MAX_PARAMETERS]);
    /* Elements of one sequence's carried state. */
    int64_t (*state_size)(const minrnn_mixer_config *config);
    minrnn_status (*forward)(const struct mixer_call *call);
    minrnn_status (*backward)(const struct mixer_call *call);
};

/* The list: names, NULL at the end, and each one's own settings, NULL for a name that is none. */
extern const char *const mixer_names[];
const struct settings *mixer_own_settings(const char name[SETTING_NAME_BYTES]);
extern const struct settings mixer_settings; /* of a minrnn_mixer_config */

/* Finds a kind by the config's name and checks the whole config; the error lists the known names.
 */
minrnn_status mixer_find(const minrnn_mixer_config *config, const struct mixer_kind **kind);

/* The kind's parameters with their offsets; returns how many, *total elements in all. */
int mixer_parameters(const struct mixer_kind *kind, const minrnn_mixer_config *config,
                     struct parameter parameters[MIXER_MAX_PARAMETERS], int64_t *total);

extern const struct mixer_kind mixer_mingru;
extern const struct mixer_kind mixer_minlstm;

#endif
